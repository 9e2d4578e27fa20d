import { setTimeout as sleep } from 'node:timers/promises'

/** The wish that a loop shall end, for one that waits now and then. */
export interface Stopping {
  signal: AbortSignal
  stopped(): boolean
  stop(): void
  /** Resolves after a while, or as soon as the loop shall end. */
  pause(ms: number): Promise<void>
}

export function stopping(): Stopping {
  const controller = new AbortController()
  const { signal } = controller
  return {
    signal,
    stopped: () => signal.aborted,
    stop: () => controller.abort(),
    pause: (ms) => sleep(ms, undefined, { signal }).catch(() => {}),
  }
}

const BACKOFF_MS = 50
const BACKOFF_MS_MAX = 5_000

/**
 * How long to leave alone what has failed: twice as long with each failure, and not all at the same moment.
 * @param failures in a row, one at least
 */
export const backoffMs = (failures: number): number =>
  Math.min(BACKOFF_MS * 2 ** (failures - 1), BACKOFF_MS_MAX) * (0.5 + Math.random() / 2)
