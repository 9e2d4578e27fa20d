/** What a replay sees around it. */
export interface Surroundings {
  /** Whether requests of people or workers are being answered. */
  isServing: boolean
  /** How many processors of this machine nobody uses, on average since the last look. */
  idle: number
  /** Age in milliseconds of the oldest event that a working consumer has not handled yet; 0 if none waits. */
  lateMs: number
}

/** A paced replay never works for less than this share of the time, so that it comes to its end. */
export const LEAST_PACE = 0.2
/** With fewer idle processors requests queue for them: a replay and the two processes of Postgres that it keeps busy work in bursts. */
export const LEAST_IDLE = 0.8
/** Usually an event is in every view after some milliseconds. */
export const MOST_LATE_MS = 1_000

const FASTER = 0.05
const SLOWER = 0.7

/**
 * The share of the time that a replay works next (additive increase, multiplicative decrease). Pure.
 * @param pace the present one
 * @returns 1 when nobody is served, else between LEAST_PACE and 1
 */
export function nextPace(pace: number, { isServing, idle, lateMs }: Surroundings): number {
  if (!isServing) return 1
  const isTooFast = idle < LEAST_IDLE || lateMs > MOST_LATE_MS
  return isTooFast ? Math.max(LEAST_PACE, pace * SLOWER) : Math.min(1, pace + FASTER)
}
