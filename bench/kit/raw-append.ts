import type { Db, Row } from '../../platform/pg/pool.ts'

/** The log's columns, indexes and lock, and nothing else. */
const SCHEMA = `
create schema raw;
create table raw.events (like log.events including all);
create function raw.append(
  text[], int[], text[], text[], int[], uuid[], text[], int[], bigint[], text[], text[], text[], text[], json[])
returns void language plpgsql as $$
declare
  _head bigint;
begin
  perform pg_advisory_xact_lock(7002);
  select coalesce(max(pos), 0) into _head from raw.events;
  insert into raw.events
  select _head + n, a, b, c, d, e, f, g, h, i, j, k, l, m, o
    from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) with ordinality r(a, b, c, d, e, f, g, h, i, j, k, l, m, o, n);
end $$`

const COLUMNS = [
  'topic',
  'partition',
  'key',
  'stream',
  'version',
  'id',
  'type',
  'schema',
  'time',
  'actor',
  'correlationId',
  'causationId',
  'traceparent',
  'data',
]
const APPEND = `select raw.append(${COLUMNS.map((_, i) => `$${i + 1}`)})`

/**
 * Ceiling of an append: prepared rows, inserted under one lock, one transaction for all that wait. No validation, state, version
 * check or result.
 */
export async function rawAppend(db: Db): Promise<(row: Row) => Promise<void>> {
  await db.connection((client) => client.query(SCHEMA))
  let queue: { row: Row; resolve: () => void; reject: (error: unknown) => void }[] = []
  let running = false

  async function run() {
    await new Promise(setImmediate)
    while (queue.length > 0) {
      const batch = queue
      queue = []
      try {
        await db.query(
          'raw.append',
          APPEND,
          COLUMNS.map((column) => batch.map(({ row }) => row[column])),
        )
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    running = false
  }

  return (row) =>
    new Promise((resolve, reject) => {
      queue.push({ row, resolve, reject })
      if (running) return
      running = true
      void run()
    })
}
