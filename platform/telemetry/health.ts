import { within } from '#platform/deadline.ts'
import type { Health } from './endpoint.ts'

/** A check that takes longer counts as failed. */
const PATIENCE_MS = 2_000

/** Everything that a service needs answers, but a part of its work waits for another version of the code. */
export class StandingBy extends Error {
  constructor(why: string) {
    super(why)
    this.name = 'StandingBy'
  }
}

/**
 * Checks the health of a service, in bounded time.
 * @param works resolves when everything that the service needs answers, with a remark if there is one; rejects otherwise, with
 *   StandingBy when a part of the work waits for other code
 */
export async function healthOf(works: () => Promise<string | undefined>): Promise<Health> {
  const answer = works().then(
    (why): Health => (why ? { status: 'ok', why } : 'ok'),
    (error): Health => (error instanceof StandingBy ? { status: 'standing by', why: error.message } : 'unavailable'),
  )
  return within(PATIENCE_MS, answer, () => 'unavailable' as const)
}
