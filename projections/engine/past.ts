import { withLowPriority } from '#platform/pg/backend.ts'
import type { Db } from '#platform/pg/pool.ts'
import { span } from '#platform/telemetry/tracing/tracing.ts'
import { type Comparison, type Difference, difference } from './compare.ts'
import { loadReplay, SNAPSHOT, sizeOf, standing, transaction } from './load.ts'
import type { Source } from './loads.ts'
import { meter, type Progress } from './progress.ts'
import { ownReading } from './reading.ts'
import { columnDefinitions, indexing, liveOf, pastOf } from './table.ts'
import type { View } from './view.ts'

/** A past state of a view, in a table beside the live one. */
export interface PastOptions extends Source {
  db: Db
  /** Part of the table's name: small letters and digits. */
  id: string
  /** The last position to fold. */
  pos: number
  onProgress?(progress: Progress): void
  /** Ends the fold early and leaves no table behind. */
  signal?: AbortSignal | undefined
  /** Never pauses, also while people are served. */
  fullSpeed?: boolean | undefined
}

/**
 * Folds the state of a view at a position into a table of its own. Events that the live view has parked or skipped are left out,
 * as there. The live view is not touched.
 *
 * @returns how many events were read, the rows they made, and the duration in milliseconds
 * @throws ReplayStopped for an event that cannot be applied, Cancelled when `signal` is aborted
 */
export const foldPast = (view: View, options: PastOptions) =>
  span(
    () => ({ name: `as-of ${view.name}` }),
    () => fold(view, options),
  )

const fold = (view: View, { db, reader, threads, id, pos, onProgress, signal, fullSpeed }: PastOptions) =>
  db.connection((client) =>
    withLowPriority(client, () =>
      transaction(client, SNAPSHOT, async () => {
        const past = pastOf(view, id)
        const reading = ownReading({ db, reader, threads, fullSpeed })
        const progress = meter(onProgress, { signal, pace: reading.pace })
        const leaveOut = await standing(client, view)
        const heads = await reader.heads(view.topic)
        const upTo = new Map([...heads].map(([partition, head]) => [partition, Math.min(head, pos)]))
        const beyond = await reader.behind(view.topic, new Map([...heads.keys()].map((partition) => [partition, pos])))
        progress.expect((await sizeOf(reader, view)) - beyond.reduce((sum, { events }) => sum + events, 0))
        await client.query(`create table ${past.table} (${columnDefinitions(view)})`)
        const rows = await loadReplay(client, past.table, { view, reading, upTo, leaveOut, onRead: progress.read })
        progress.phase('index')
        for (const statement of indexing(past, reading.endedPaced())) await client.query(statement)
        const { events, tookMs } = progress.done()
        return { rows, events, tookMs }
      }),
    ),
  )

/** Drops the table of a past state, if it exists. */
export const dropPast = (db: Db, view: string, id: string): Promise<void> =>
  db.connection(async (client) => {
    await client.query(`drop table if exists ${pastOf({ name: view } as View, id).table}`)
  })

/**
 * Rows of a past state, in key order.
 *
 * @param where column values, compared as text
 * @throws Error for a column that the view does not declare
 */
export const rowsOfPast = (
  db: Db,
  view: View,
  id: string,
  { where = {}, limit, offset = 0 }: { where?: Readonly<Record<string, string>>; limit: number; offset?: number },
): Promise<Record<string, unknown>[]> =>
  db.connection(async (client) => {
    for (const column of Object.keys(where))
      if (!Object.hasOwn(view.columns, column))
        throw new Error(`${view.name} has no column ${column}; it has ${Object.keys(view.columns).join(', ')}`)
    const conditions = Object.keys(where).map((column, i) => `p.${column}::text = $${i + 3}`)
    const { rows } = await client.query(
      `select to_json(p) as row from ${pastOf(view, id).table} p ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
        order by p.${view.key} limit $1 offset $2`,
      [limit, offset, ...Object.values(where)],
    )
    return rows.map(({ row }) => JSON.parse(row))
  })

/** Compares the live view with a past state: `missing` rows have been deleted since, `extra` rows are new. */
export const comparePast = (
  db: Db,
  view: View,
  id: string,
  { limit = 20, onDifferences }: { limit?: number; onDifferences?(rows: Difference[]): Promise<void> } = {},
): Promise<Comparison> =>
  db.connection((client) =>
    transaction(client, SNAPSHOT, () =>
      difference(client, view, { live: liveOf(view), other: pastOf(view, id).table }, { limit, onDifferences }),
    ),
  )
