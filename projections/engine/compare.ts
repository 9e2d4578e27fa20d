import type pg from 'pg'
import type { Recorded } from '#events/kit/envelope.ts'
import type { Reader } from '#platform/log/port.ts'
import { type Db, within } from '#platform/pg/pool.ts'
import { Trouble } from '#platform/trouble.ts'
import { loadReplay, SNAPSHOT, sizeOf, standing, transaction } from './load.ts'
import { meter, type Progress } from './progress.ts'
import { columnsOf, liveOf } from './table.ts'
import { liveVersion } from './versions.ts'
import type { View } from './view.ts'

/** How replayed rows differ from the live ones. */
export interface Comparison {
  /** Number of rows. */
  live: number
  replayed: number
  /** Rows that only the replay has, that only the live view has, and that both have but not alike. */
  missing: number
  extra: number
  different: number
  /** Columns that only one side has, when the versions differ; they are not compared. */
  columns: { added: string[]; removed: string[] }
  /** The first of the rows that differ, both sides; null where there is none. */
  rows: { id: string; live: Record<string, unknown> | null; replayed: Record<string, unknown> | null }[]
}

export interface CompareOptions {
  db: Db
  reader: Reader
  /** Most rows to show. */
  limit?: number
  onProgress?(progress: Progress): void
}

export const isClean = ({ missing, extra, different }: Comparison) => missing + extra + different === 0

/**
 * Replays history up to exactly where the live view stands and compares the rows (P6). Changes nothing, holds nobody up.
 * What the live view has parked or skipped is left out of the replay.
 *
 * @throws ReplayStopped for an event that cannot be applied, Trouble when there is no such view yet
 */
export async function compare(view: View, options: CompareOptions): Promise<Comparison> {
  for (;;) {
    const comparison = await attempt(view, options)
    if (comparison) return comparison
  }
}

/** @returns undefined when a rebuild was swapped in meanwhile: our snapshot does not show its rows */
const attempt = (view: View, { db, reader, limit = 20, onProgress }: CompareOptions): Promise<Comparison | undefined> =>
  db.connection((client) =>
    transaction(client, SNAPSHOT, async () => {
      if ((await liveVersion(within(client), view)) === undefined)
        throw new Trouble(`there is no view ${view.name} yet: no projector has run here`)
      const { table } = liveOf(view)
      const before = await tableId(client, table)
      const progress = meter(onProgress)
      const { positions, parkedFrom, skipped } = await standing(client, view)
      progress.expect(await sizeOf(reader, view))
      const leaveOut = ({ pos, stream }: Recorded) =>
        skipped.has(pos) || pos >= (parkedFrom.get(stream) ?? Number.POSITIVE_INFINITY)

      await client.query(`create temp table replayed (${columnsOf(view)}) on commit drop`)
      await loadReplay(client, 'replayed', { view, reader, upTo: positions, leaveOut, onRead: progress.read })
      await client.query(`lock table ${table} in access share mode`)
      if ((await tableId(client, table)) !== before) return undefined
      const comparison = await difference(client, view, limit)
      progress.done()
      return comparison
    }),
  )

/** Names a table for good: another one of the same name has another id. */
const tableId = async (client: pg.PoolClient, table: string): Promise<number> =>
  (await client.query('select $1::regclass::oid as id', [table])).rows[0].id

async function difference(client: pg.PoolClient, view: View, limit: number): Promise<Comparison> {
  const { key } = view
  const { table, name } = liveOf(view)
  const columns = Object.keys(view.columns)
  const found = await client.query(
    `select column_name as name from information_schema.columns where table_schema = 'views' and table_name = $1`,
    [name],
  )
  const live: string[] = found.rows.map((row) => row.name)
  const common = columns.filter((column) => live.includes(column))
  // As text: the two versions may give a column different types.
  const unlike = common.map((column) => `l.${column}::text is distinct from r.${column}::text`).join(' or ')
  const joined = `${table} l full join replayed r on l.${key} = r.${key}`

  const { rows: counts } = await client.query(`
    select count(l.${key}) as live, count(r.${key}) as replayed,
           count(*) filter (where l.${key} is null) as missing, count(*) filter (where r.${key} is null) as extra,
           count(*) filter (where l.${key} is not null and r.${key} is not null and (${unlike})) as different
      from ${joined}`)
  const { rows } = await client.query(
    `select coalesce(l.${key}, r.${key})::text as id, to_json(l) as live, to_json(r) as replayed
       from ${joined} where l.${key} is null or r.${key} is null or ${unlike} order by coalesce(l.${key}, r.${key}) limit $1`,
    [limit],
  )
  return {
    ...counts[0],
    columns: {
      added: columns.filter((column) => !live.includes(column)),
      removed: live.filter((column) => !columns.includes(column)),
    },
    rows: rows.map(({ id, live, replayed }) => ({
      id,
      live: live && JSON.parse(live),
      replayed: replayed && JSON.parse(replayed),
    })),
  }
}
