import { catalog, deciders } from '#events/catalog.ts'
import { topics } from '#events/topics.ts'
import type { Settings } from '#platform/config/settings.ts'
import { type Execute, executor } from '#platform/log/commands/executor.ts'
import { lagOf } from '#platform/log/consumers/lag.ts'
import { lagMetrics } from '#platform/log/consumers/lag-metrics.ts'
import { ownerLog } from '#platform/log/consumers/owner-log.ts'
import { openOwner } from '#platform/log/consumers/owners.ts'
import { openReader } from '#platform/log/open.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import type { Reactor } from '#platform/log/reactor/reactor.ts'
import { startReactor } from '#platform/log/reactor/start.ts'
import type { Listener } from '#platform/pg/listen.ts'
import type { Db } from '#platform/pg/pool.ts'
import { reach } from '#platform/pg/where.ts'
import type { Running } from '#platform/service.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { connect } from './connections.ts'

/** Dependencies of a service that reacts to events. */
export interface Ground {
  settings: Settings
  db: Db
  listener: Listener
  /** Executes commands that no event caused. */
  execute: Execute
  log: Logger
  metrics: Metrics
}

/** A reactor, and what runs beside it. */
export interface Reacting {
  reactor: Reactor
  /** Called at once on stop, to end pauses. */
  stopping?(): void
  /** Ends the parts beside the reactor, before the connections are closed. */
  stop?(): Promise<void> | void
}

/** Runs a reactor on the log and database of the settings, with metrics of its lag. */
export async function runReactor(
  name: string,
  { log, metrics }: Pick<Ground, 'log' | 'metrics'>,
  make: (ground: Ground) => Reacting | Promise<Reacting>,
): Promise<Running> {
  const { settings, db, listener, close } = await connect(name, log, { max: 4 })
  const reader = await openReader(settings, db, listener, `vidwiz ${name}`)
  const { execute, idle } = executor({ appender: appender(db), catalog, deciders, topics })
  let isStopping = false
  const owner = openOwner({ db, listener, service: name, ...ownerLog(log, () => isStopping) })
  const { reactor, stopping, stop } = await make({ settings, db, listener, execute, log, metrics })
  lagMetrics(metrics, async () =>
    (await Promise.all(reactor.topics.map((topic) => lagOf({ name: reactor.name, topic }, { db, reader })))).flat(),
  )
  const reacting = startReactor(reactor, {
    db,
    reader,
    catalog,
    deciders,
    topics,
    listener,
    owner,
    onParked: ({ recorded: { stream, version, type, pos }, cause }) =>
      log.error({ stream, version, type, pos, cause }, 'parked an event'),
    onError(error, topic) {
      if (!topic && !isStopping) log.warn({ error }, 'cannot look for letters that are due')
    },
  })
  return {
    works: () => reach(db),
    async stop() {
      isStopping = true
      stopping?.()
      await reacting.stop()
      await stop?.()
      await idle()
      await owner.close()
      await reader.close()
      await close()
    },
  }
}
