import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks again until `check` no longer throws, and returns what it returned. Waits for a condition, never for a time.
 * @throws the last error of `check` when `withinMs` have passed
 */
export async function eventually<T>(check: () => T | Promise<T>, { withinMs = 15_000, everyMs = 10 } = {}): Promise<T> {
  const until = Date.now() + withinMs
  while (true) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > until) throw error
    }
    await sleep(everyMs)
  }
}
