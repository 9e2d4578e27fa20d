import { OperatorError } from '#platform/operator-error.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { cancelReplay, PROJECTOR, type ReplayRow, replayById } from '#projections/engine/replays.ts'
import type { Act, Done } from '../operation.ts'

export const cancelAct = (id: string, reason?: string): Act => ({
  act: 'cancel',
  target: `replay ${id}`,
  command: `npx vidwiz replays cancel ${id}`,
  reason,
})

/**
 * Asks a replay to end, in whatever process it runs. It ends within a second and changes nothing.
 * @throws OperatorError that says why it cannot be ended
 */
export async function askToEnd(db: Queryable, id: string): Promise<Done<undefined>> {
  if (!(await cancelReplay(db, id))) throw new OperatorError(whyNot(id, await replayById(db, id)))
  return { result: undefined, summary: 'asked to end' }
}

function whyNot(id: string, row: ReplayRow | undefined): string {
  if (!row) return `there is no replay ${id}`
  if (row.outcome === 'cut off') return `the process of ${id} is gone: there is nothing to end, and nothing has changed`
  if (row.outcome !== null) return `${id} has ended already: ${row.outcome}`
  if (row.who === PROJECTOR) return `${id} sets ${row.view} up: without it nobody can read the view`
  return `${id} gives no sign of life`
}

/** The outcome in words. Also tells when a request to end it came too late. */
export const outcomeText = ({ outcome, cancelled }: Pick<ReplayRow, 'outcome' | 'cancelled'>): string =>
  outcome === 'done' && cancelled ? 'done: it was too late to end it' : (outcome ?? 'runs')
