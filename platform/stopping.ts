import { setTimeout as sleep } from 'node:timers/promises'

/** A request to stop, for a loop that waits in between. */
export interface Stopping {
  signal: AbortSignal
  stopped(): boolean
  stop(): void
  /** Resolves after `ms`, or as soon as `stop` is called. */
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

/** The delay after the first failure, and the maximum delay. */
export interface Backoff {
  firstMs: number
  longestMs: number
}

const usual: Backoff = { firstMs: 50, longestMs: 5_000 }

/**
 * The delay before the next attempt, in milliseconds: doubles with each failure, with jitter.
 * @param failures number of failures in a row, at least 1
 */
export const backoffMs = (failures: number, { firstMs, longestMs }: Backoff = usual): number =>
  Math.min(firstMs * 2 ** (failures - 1), longestMs) * (0.5 + Math.random() / 2)
