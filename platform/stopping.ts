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

/** After the first failure, and at most. */
export interface Backoff {
  firstMs: number
  longestMs: number
}

const usual: Backoff = { firstMs: 50, longestMs: 5_000 }

/**
 * How long to leave alone what has failed: twice as long with each failure, and not all at the same moment.
 * @param failures in a row, one at least
 */
export const backoffMs = (failures: number, { firstMs, longestMs }: Backoff = usual): number =>
  Math.min(firstMs * 2 ** (failures - 1), longestMs) * (0.5 + Math.random() / 2)
