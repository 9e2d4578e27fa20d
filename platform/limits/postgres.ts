import type { Queryable } from '../pg/pool.ts'
import type { Exchange } from './counts.ts'

const COUNT = 'select key, hits as total, left_ms as "leftMs" from limits.count($1, $2, $3)'
/** Rows that somebody is about to count on are left for the next time: a sweep waits for nobody and holds nobody up. */
const SWEEP = `
with over as (
  select key from limits.counts where ends_at < now() - interval '1 minute' order by ends_at limit 10000 for update skip locked)
delete from limits.counts c using over where c.key = over.key`
const SWEEP_EVERY_MS = 10_000

/** Counts in a table of Postgres, one round trip per batch, and now and then sweeps out windows that are over. */
export function countInPostgres(db: Queryable): Exchange {
  let sweepAt = 0
  return async (batch) => {
    const columns = [batch.map(({ key }) => key), batch.map(({ hits }) => hits), batch.map(({ windowMs }) => windowMs)]
    const totals = await db.query<{ key: string; total: number; leftMs: number }>('limits.count', COUNT, columns)
    if (Date.now() >= sweepAt) {
      sweepAt = Date.now() + SWEEP_EVERY_MS
      // A sweep that failed is made up for by the next one.
      db.query('limits.sweep', SWEEP).catch(() => {})
    }
    return totals
  }
}
