import type { ServerResponse } from 'node:http'

/** Knows who still waits for an answer. */
export interface Presence {
  /**
   * Makes a signal when asked: aborted when the client has left (or has its answer), or when the server is stopping. Then there
   * is no use in waiting any longer.
   */
  until(res: ServerResponse): () => AbortSignal
  /** The server is stopping: now for all, and at once for those to come. */
  stop(): void
}

export function presence(): Presence {
  const waiting = new Set<AbortController>()
  let isStopping = false
  return {
    until: (res) => () => {
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
