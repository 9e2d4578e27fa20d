// The clocks of machines differ by seconds or minutes. Times that one process writes and another compares with its own (of events, of
// issued tokens, of due tasks) are therefore taken from one clock that all processes can read: the database's.

let aheadMs = 0

/** The time by the database's clock, in milliseconds since the epoch; by this machine's clock before the first `adjust`. */
export const now = (): number => Date.now() + aheadMs

/** How far the database's clock is ahead of this machine's, in milliseconds. */
export const aheadOfOwnMs = (): number => aheadMs

/**
 * Adjusts to a reading of the other clock.
 *
 * The reading was taken at some moment between the question and the answer. Nothing changes while the known difference is possible for
 * any such moment, so a slow answer does not make time jump.
 *
 * @param reading of the other clock; all times are milliseconds since the epoch
 * @param askedAt by this machine's clock
 * @param answeredAt by this machine's clock
 */
export function adjust(reading: number, askedAt: number, answeredAt: number): void {
  const least = reading - answeredAt
  const most = reading - askedAt
  // This machine's clock was set back between question and answer, so the reading is useless.
  if (least > most) return
  if (aheadMs < least || aheadMs > most) aheadMs = least <= 0 && most >= 0 ? 0 : Math.round((least + most) / 2)
}
