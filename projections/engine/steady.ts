import type { Waiter } from './wait.ts'

/** Attempts at most, in case the server crashes during each read. */
const MOST_ATTEMPTS = 3

/** What was read, and whether the views provably showed the wanted events during the whole read. */
export interface Read<T> {
  isVisible: boolean
  result: T
}

/**
 * Waits until the views show the wanted events, then reads. Does both again when the database server crashed meanwhile: views
 * commit lazily, so the rows read may then be older than the positions that were known (P5).
 *
 * @param shown waits until the views show the events; false when that took too long
 */
export async function readSteadily<T>(
  waiter: Pick<Waiter, 'mark' | 'holds'>,
  shown: () => boolean | Promise<boolean>,
  read: () => Promise<T>,
): Promise<Read<T>> {
  for (let attempt = 1; ; attempt++) {
    const mark = waiter.mark()
    const isShown = await shown()
    const result = await read()
    const holds = await waiter.holds(mark, isShown)
    if (holds || attempt === MOST_ATTEMPTS) return { isVisible: isShown && holds, result }
  }
}
