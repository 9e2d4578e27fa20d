import { catalog, deciders } from '#events/catalog.ts'
import { readSettings, type Settings } from '#platform/config/settings.ts'
import { registerTypes } from '#platform/log/newer-code.ts'
import { makeSequences } from '#platform/log/postgres/sequences.ts'
import type { Timeline } from '#platform/log/timeline.ts'
import type { Bounds } from '#platform/pg/bounds.ts'
import { followClock } from '#platform/pg/clock.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, type DbOptions, openDb } from '#platform/pg/pool.ts'
import { databaseUrl, reach } from '#platform/pg/where.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import { keepToTimeline } from './timeline.ts'

/** What every service on the log needs. */
export interface Connections {
  settings: Settings
  /** Of the database. */
  url: string
  db: Db
  listener: Listener
  timeline: Timeline
  /** Closes them; call it after everything that uses them has stopped. */
  close(): Promise<void>
}

export interface ConnectionsOptions extends Pick<DbOptions, 'max' | 'durable'> {
  bounds?: (settings: Settings) => Bounds
}

/**
 * Connects a service to the database, registers the types of event that it knows, makes sequences of ids that are missing, takes the
 * time from there, and follows the timeline of the log.
 * @throws OperatorError when the database cannot be used
 */
export async function connect(
  service: string,
  log: Logger,
  { bounds, ...options }: ConnectionsOptions = {},
): Promise<Connections> {
  const settings = readSettings()
  const url = databaseUrl(settings)
  const name = `vidwiz ${service}`
  const db = openDb(url, { name, indexed: true, bounds: bounds?.(settings), log, ...options })
  await reach(db)
  await registerTypes(db, catalog, (error) =>
    log.warn({ error }, 'cannot register the types of event that this process knows: older code would park those that it writes'),
  )
  await makeSequences(db, deciders)
  const stopClock = followClock(db, log)
  const listener = openListener(url, { name, log })
  const { timeline, stop: leaveTimeline } = await keepToTimeline(db, listener, log)
  return {
    settings,
    url,
    db,
    listener,
    timeline,
    async close() {
      leaveTimeline()
      await listener.close()
      stopClock()
      await db.close()
    },
  }
}
