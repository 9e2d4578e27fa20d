import { setTimeout as sleep } from 'node:timers/promises'
import { type Backoff, backoffMs } from '#platform/stopping.ts'

const BACKOFF: Backoff = { firstMs: 500, longestMs: 20_000 }

export interface Patience {
  /** For how long something is tried again. */
  forMs: number
  signal: AbortSignal
  /** Whether it is worth it; else the error is thrown at once. Always if not given. */
  mayPass?(error: unknown): boolean
  /** Told the first time that it is tried again. */
  onTrouble?(error: Error): void
}

/**
 * Tries something again and again, ever less often.
 * @throws its last error when patience has ended; what `signal` was aborted with, at once
 */
export async function patiently<T>(work: () => Promise<T>, { forMs, signal, mayPass, onTrouble }: Patience): Promise<T> {
  const until = performance.now() + forMs
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted()
    try {
      return await unlessAborted(work(), signal)
    } catch (error) {
      signal.throwIfAborted()
      const pauseMs = backoffMs(failures, BACKOFF)
      if (mayPass?.(error) === false || performance.now() + pauseMs > until) throw error
      if (failures === 1) onTrouble?.(error as Error)
      await sleep(pauseMs, undefined, { signal }).catch(() => {})
    }
  }
}

/** For work that does not end by itself when it is not wanted any more. @throws what `signal` was aborted with, at once */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  // Nobody waits for it any more.
  work.catch(() => {})
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
