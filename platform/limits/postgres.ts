import type { Queryable } from '../pg/pool.ts'
import type { Exchange } from './counts.ts'

const COUNT = 'select key, hits as total, left_ms as "leftMs" from limits.count($1, $2, $3)'
/** Skips locked rows, which another process is counting on, and leaves them for the next sweep. So a sweep does not wait for locks. */
const SWEEP = `
with over as (
  select key from limits.counts where ends_at < now() - interval '1 minute' order by ends_at limit 10000 for update skip locked)
delete from limits.counts c using over where c.key = over.key`
const SWEEP_EVERY_MS = 10_000

/** Counts in a Postgres table with one round trip per batch, and from time to time deletes windows that are over. */
export function countInPostgres(db: Queryable): Exchange {
  let sweepAt = 0
  return async (batch) => {
    const columns = [batch.map(({ key }) => key), batch.map(({ hits }) => hits), batch.map(({ windowMs }) => windowMs)]
    const totals = await db.query<{ key: string; total: number; leftMs: number }>('limits.count', COUNT, columns)
    if (Date.now() >= sweepAt) {
      sweepAt = Date.now() + SWEEP_EVERY_MS
      // The next sweep makes up for a failed one.
      db.query('limits.sweep', SWEEP).catch(() => {})
    }
    return totals
  }
}
