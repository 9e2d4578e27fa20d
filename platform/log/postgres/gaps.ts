import { OperatorError } from '#platform/operator-error.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { GAPS_REMEDY } from '../timeline.ts'

/** Positions in the middle of the log whose events are gone: somebody deleted rows. */
export interface Gap {
  first: number
  last: number
}

/** How many gaps a message names. */
const NAMED = 5
/** More than anybody makes by hand. */
export const ALL = 100_000

/** How many events are gone from the middle of the log, and where: the first gaps only, unless more are asked for. */
export async function gapsOf(db: Queryable, most = NAMED): Promise<{ gone: number; gaps: Gap[] }> {
  const [row] = await db.query<{ gone: number }>('log.gone', 'select log.gone() as gone')
  const { gone } = row!
  return { gone, gaps: gone === 0 ? [] : await db.query<Gap>('log.gaps', 'select first, last from log.gaps($1)', [most]) }
}

/** `7, 18 and 27 to 30`, or the first of them. */
export function gapsInWords({ gone, gaps }: { gone: number; gaps: readonly Gap[] }): string {
  const named = gaps.map(({ first, last }) => (first === last ? `${first}` : `${first} to ${last}`)).join(', ')
  const isAll = gaps.reduce((sum, { first, last }) => sum + last - first + 1, 0) >= gone
  return `${gone} ${gone === 1 ? 'event is' : 'events are'} gone from the middle of the log, at ${gone === 1 ? 'position' : 'positions'} ${named}${isAll ? '' : ' …'}`
}

/** @throws OperatorError when events are gone: a fold of the rest would be wrong */
export async function assertNoGaps(db: Queryable): Promise<void> {
  refuse(await gapsOf(db))
}

/** The same for the events between two positions, also in a log that was pruned before them. */
export async function assertNoGapsBetween(db: Queryable, after: number, upTo: number): Promise<void> {
  const gaps = await db.query<Gap>('log.gapsBetween', 'select first, last from log.gaps($1, $2, $3)', [ALL, after, upTo])
  const gone = gaps.reduce((sum, { first, last }) => sum + last - first + 1, 0)
  refuse({ gone, gaps: gaps.slice(0, NAMED) })
}

function refuse(found: { gone: number; gaps: readonly Gap[] }) {
  if (found.gone > 0) throw new OperatorError(`${gapsInWords(found)}. Somebody deleted them from log.events; ${GAPS_REMEDY}`)
}
