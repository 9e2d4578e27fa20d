import { OperatorError } from '#platform/operator-error.ts'
import type { Queryable } from '#platform/pg/pool.ts'

const ENDS = 'select min(pos) as first, max(pos) as last from log.events'
const TIME = 'select pos, time from log.events where pos >= $1 order by pos limit 1'
const NEAR = 'select max(pos) as pos from log.events where pos > $1 and pos <= $1 + $3 and time <= $2'

/** Writers' clocks differ a little, so times are not quite in position order: this many events after the found one are checked. */
const NEAR_EVENTS = 1_000

/**
 * The position of the last event that was appended up to a moment: all events after it came later. A binary search, so a long log
 * costs hardly more.
 * @param atMs milliseconds since the epoch
 * @returns 0 when there was none yet
 * @throws OperatorError when the moment is before the first event that the database still has
 */
export async function positionAt(db: Queryable, atMs: number): Promise<number> {
  const [ends] = await db.query<{ first: number | null; last: number | null }>('moment.ends', ENDS)
  const { first, last } = ends!
  if (first === null || last === null) return 0
  let before = first - 1
  let after = last + 1
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    const [one] = await db.query<{ pos: number; time: number }>('moment.time', TIME, [middle])
    // Pruning leaves no holes, but the search does not depend on that.
    if (!one || one.pos >= after || one.time > atMs) after = middle
    else before = one.pos
  }
  const [near] = await db.query<{ pos: number | null }>('moment.near', NEAR, [before, atMs, NEAR_EVENTS])
  const pos = near!.pos ?? before
  if (pos === first - 1 && first > 1)
    throw new OperatorError(`the database has no events from before ${await momentOf(db, first)}: they were pruned`)
  return pos
}

async function momentOf(db: Queryable, pos: number): Promise<string> {
  const [one] = await db.query<{ time: number }>('moment.time', TIME, [pos])
  return new Date(one!.time).toISOString()
}
