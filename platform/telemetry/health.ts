import { setTimeout as delay } from 'node:timers/promises'
import type { Health } from './endpoint.ts'

/** What takes longer is of no use to anybody. */
const PATIENCE_MS = 2_000

/** @param works resolves when what a service needs answers; rejects when it does not */
export async function healthOf(works: () => Promise<unknown>): Promise<Health> {
  const patience = new AbortController()
  const answer = works().then(
    () => 'ok' as const,
    () => 'unavailable' as const,
  )
  const health = await Promise.race([answer, delay(PATIENCE_MS, 'unavailable' as const, { signal: patience.signal })])
  patience.abort()
  return health
}
