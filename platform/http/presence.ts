import type { ServerResponse } from 'node:http'

/** Tracks the clients that wait for an answer. */
export interface Presence {
  /**
   * Creates a signal, aborted when waiting has become pointless: the client has disconnected or has its answer, or the server is
   * stopping.
   */
  until(res: ServerResponse): AbortSignal
  /** Called when the server stops: aborts all signals, and later ones at once. */
  stop(): void
}

export function presence(): Presence {
  const waiting = new Set<AbortController>()
  let isStopping = false
  return {
    until(res) {
      const leaving = new AbortController()
      if (isStopping || res.destroyed) leaving.abort()
      else {
        waiting.add(leaving)
        res.once('close', () => {
          waiting.delete(leaving)
          leaving.abort()
        })
      }
      return leaving.signal
    },
    stop() {
      isStopping = true
      for (const leaving of waiting) leaving.abort()
    },
  }
}
