import type pg from 'pg'
import { OperatorError } from '#platform/operator-error.ts'
import { withLowPriority } from '#platform/pg/backend.ts'
import { type Db, inTransaction } from '#platform/pg/pool.ts'
import { span } from '#platform/telemetry/tracing/tracing.ts'
import { noTable } from './fit.ts'
import { loadReplay, SNAPSHOT, sizeOf, standing, transaction } from './load.ts'
import type { Source } from './loads.ts'
import { goOnUnless, meter, type Progress } from './progress.ts'
import { ownReading } from './reading.ts'
import { columnDefinitions, liveOf, type Target } from './table.ts'
import { hasTable, liveVersion } from './versions.ts'
import type { View } from './view.ts'

/** How replayed rows differ from the live ones. */
export interface Comparison {
  /** Number of rows. */
  live: number
  replayed: number
  /** Rows only in the replay, rows only in the live view, and rows in both with different values. */
  missing: number
  extra: number
  different: number
  /** Columns that only one side has, because the versions differ. They are not compared. */
  columns: { added: string[]; removed: string[] }
  /** The first differing rows. */
  rows: Difference[]
}

/** A differing row; a side is null where the row does not exist. */
export interface Difference {
  id: string
  live: Record<string, unknown> | null
  replayed: Record<string, unknown> | null
}

export interface CompareOptions extends Source {
  db: Db
  /** How many differing rows to return at most. */
  limit?: number
  onProgress?(progress: Progress): void
  /** Gets all differing rows, in key order, in portions. */
  onDifferences?(rows: Difference[]): Promise<void>
  /** Ends the comparison early. */
  signal?: AbortSignal | undefined
  /** Never pauses, also while people are served. */
  fullSpeed?: boolean | undefined
}

export const isClean = ({ missing, extra, different }: Comparison) => missing + extra + different === 0

/**
 * Replays history exactly up to the live view's checkpoints and compares the rows (P6). Changes nothing and blocks nobody. Events
 * that the live view has parked or skipped are left out of the replay.
 *
 * @throws ReplayStopped for an event that cannot be applied, OperatorError when the view does not exist yet,
 * Cancelled when `signal` is aborted
 */
export async function compare(view: View, options: CompareOptions): Promise<Comparison> {
  for (;;) {
    const comparison = await span(
      () => ({ name: `compare ${view.name}` }),
      () => attempt(view, options),
    )
    if (comparison) return comparison
  }
}

/** @returns undefined when a rebuild was swapped in meanwhile: this snapshot cannot see the new table's rows */
const attempt = (
  view: View,
  { db, reader, threads, limit = 20, onProgress, onDifferences, signal, fullSpeed }: CompareOptions,
): Promise<Comparison | undefined> =>
  db.connection((client) =>
    withLowPriority(client, () =>
      transaction(client, SNAPSHOT, async () => {
        if ((await liveVersion(inTransaction(client), view)) === undefined)
          throw new OperatorError(`there is no view ${view.name} yet: no projector has run here`)
        if (!(await hasTable(inTransaction(client), view))) throw new OperatorError(noTable(view))
        const { table } = liveOf(view)
        const before = await tableId(client, table)
        const reading = ownReading({ db, reader, threads, fullSpeed })
        const progress = meter(onProgress, { signal, pace: reading.pace })
        const live = await standing(client, view)
        progress.expect(await sizeOf(reader, view))

        await client.query(`create temp table replayed (${columnDefinitions(view)}) on commit drop`)
        await loadReplay(client, 'replayed', {
          view,
          reading,
          upTo: live.positions,
          leaveOut: live,
          onRead: progress.read,
        })
        progress.phase('compare')
        await client.query(`lock table ${table} in access share mode`)
        if ((await tableId(client, table)) !== before) return undefined
        const comparison = await difference(
          client,
          view,
          { live: liveOf(view), other: 'replayed' },
          { limit, onDifferences, signal },
        )
        progress.done()
        return comparison
      }),
    ),
  )

/** The table's oid: it tells a swapped-in table from the former one of the same name. */
const tableId = async (client: pg.PoolClient, table: string): Promise<number> =>
  (await client.query('select $1::regclass::oid as id', [table])).rows[0].id

interface Sides {
  live: Target
  /** The table to compare with. It has all of the view's columns or some of them. */
  other: string
}

const FETCHED = 1_000

/** Compares two tables of a view, row by row. Needs a transaction in which neither table changes. */
export async function difference(
  client: pg.PoolClient,
  view: View,
  { live: { table, name }, other }: Sides,
  { limit, onDifferences, signal }: Pick<CompareOptions, 'onDifferences' | 'signal'> & { limit: number },
): Promise<Comparison> {
  const { key } = view
  const columns = Object.keys(view.columns)
  const live = await columnsIn(client, 'views', name)
  const common = columns.filter((column) => live.includes(column))
  // Compared as text: the two versions may declare different types for a column.
  const unlike = common.map((column) => `l.${column}::text is distinct from r.${column}::text`).join(' or ')
  const joined = `${table} l full join ${other} r on l.${key} = r.${key}`

  const { rows: counts } = await client.query(`
    select count(l.${key}) as live, count(r.${key}) as replayed,
           count(*) filter (where l.${key} is null) as missing, count(*) filter (where r.${key} is null) as extra,
           count(*) filter (where l.${key} is not null and r.${key} is not null and (${unlike})) as different
      from ${joined}`)
  goOnUnless(signal)
  const differing = `
    select coalesce(l.${key}, r.${key})::text as id, to_json(l) as live, to_json(r) as replayed
      from ${joined} where l.${key} is null or r.${key} is null or ${unlike} order by coalesce(l.${key}, r.${key})`
  const { rows } = await client.query(`${differing} limit $1`, [limit])
  if (onDifferences) await each(client, differing, onDifferences, signal)
  return {
    ...counts[0],
    columns: {
      added: columns.filter((column) => !live.includes(column)),
      removed: live.filter((column) => !columns.includes(column)),
    },
    rows: rows.map(differenceOf),
  }
}

const differenceOf = ({ id, live, replayed }: { id: string; live: string | null; replayed: string | null }): Difference => ({
  id,
  live: live === null ? null : JSON.parse(live),
  replayed: replayed === null ? null : JSON.parse(replayed),
})

async function columnsIn(client: pg.PoolClient, schema: string, name: string): Promise<string[]> {
  const { rows } = await client.query(
    'select column_name as name from information_schema.columns where table_schema = $1 and table_name = $2',
    [schema, name],
  )
  return rows.map((row) => row.name)
}

/** Reads through a cursor, so that only one portion is in memory. */
async function each(client: pg.PoolClient, query: string, take: (rows: Difference[]) => Promise<void>, signal?: AbortSignal) {
  await client.query(`declare differing no scroll cursor for ${query}`)
  for (;;) {
    goOnUnless(signal)
    const { rows } = await client.query(`fetch ${FETCHED} from differing`)
    if (rows.length === 0) break
    await take(rows.map(differenceOf))
  }
  await client.query('close differing')
}
