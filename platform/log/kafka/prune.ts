import type { Queryable } from '#platform/pg/pool.ts'

/** Only what Kafka has, and never the newest event: positions go on from it. */
const PRUNE = `
  with old as (
    select e.pos from log.events e, log.relay r
     where e.pos < r.pos and e.time < $1 order by e.pos limit $2)
  delete from log.events e using old where e.pos = old.pos`

const PORTION = 5_000

/**
 * Removes events from the log that have been published and are older than the policy says, a portion at a time.
 * @param olderThan milliseconds since the epoch
 */
export async function pruneRelayed(db: Queryable, olderThan: number, stopped: () => boolean = () => false): Promise<void> {
  let left = true
  while (left && !stopped()) {
    const removed = await db.query('relay.prune', `${PRUNE} returning e.pos`, [olderThan, PORTION])
    left = removed.length === PORTION
  }
}
