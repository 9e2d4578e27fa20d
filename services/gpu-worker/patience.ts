import { setTimeout as sleep } from 'node:timers/promises'
import { unlessAborted } from '#platform/deadline.ts'
import { type Backoff, backoffMs } from '#platform/stopping.ts'

const BACKOFF: Backoff = { firstMs: 500, longestMs: 20_000 }

export interface Patience {
  /** How long to retry, in milliseconds. */
  forMs: number
  signal: AbortSignal
  /** Whether an error is worth a retry; if not, it is thrown at once. Default: always. */
  mayPass?(error: unknown): boolean
  /** Called before the first retry only. */
  onTrouble?(error: Error): void
}

/**
 * Retries with growing pauses.
 * @throws the last error once `forMs` has passed; the reason of `signal` when aborted, at once
 */
export async function patiently<T>(work: () => Promise<T>, { forMs, signal, mayPass, onTrouble }: Patience): Promise<T> {
  const until = performance.now() + forMs
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted()
    try {
      return await unlessAborted(signal, work())
    } catch (error) {
      signal.throwIfAborted()
      const pauseMs = backoffMs(failures, BACKOFF)
      if (mayPass?.(error) === false || performance.now() + pauseMs > until) throw error
      if (failures === 1) onTrouble?.(error as Error)
      await sleep(pauseMs, undefined, { signal }).catch(() => {})
    }
  }
}
