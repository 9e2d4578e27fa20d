import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Repeats `check` until it no longer throws, and returns its result. Waits for a condition, never for a fixed time.
 * @throws the last error of `check` after `withinMs`
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
