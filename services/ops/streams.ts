import { failure } from '#platform/http/errors.ts'
import { EventStream, type Out } from '#platform/http/stream.ts'
import type { Access, Who } from './access.ts'

/** Allows one person many tabs: each opens two streams. */
const MOST_OF_ONE = 128
const MOST = 1_000
/** How soon a stream ends after its session has expired. */
const CHECK_MS = 15_000
/** After a broken stream a browser reconnects after this long, plus a random delay so that not all do so at once. */
const RETRY_MS = 1_000
const RETRY_SPREAD_MS = 1_000

export interface OpenStreams {
  /**
   * Wraps a stream for one person: it ends with their session.
   * @throws HttpError 429 when that person, or all people together, have too many streams open
   */
  of(who: Who, stream: EventStream): EventStream
  count(): number
}

export function openStreams(access: Access, { mostOfOne = MOST_OF_ONE, most = MOST, checkMs = CHECK_MS } = {}): OpenStreams {
  const open = new Map<string, number>()
  let count = 0

  const change = (key: string, by: 1 | -1) => {
    count += by
    const left = (open.get(key) ?? 0) + by
    if (left > 0) open.set(key, left)
    else open.delete(key)
  }

  return {
    of(who, { run }) {
      if ((open.get(who.key) ?? 0) >= mostOfOne || count >= most)
        throw failure(429, 'TOO_MANY_STREAMS', 'Too many pages are open: close some of them', null, ['Retry-After', '10'])
      change(who.key, 1)
      return new EventStream(async (out) => {
        const ended = new AbortController()
        const end = () => ended.abort()
        const session = access.ended(who)
        session.addEventListener('abort', end)
        out.gone.addEventListener('abort', end)
        if (session.aborted || out.gone.aborted) end()
        // An open page counts as use, so here a session only ends at its maximum age.
        const checking = setInterval(() => access.mayStill(who) || end(), checkMs).unref()
        const bounded: Out = {
          gone: ended.signal,
          left: AbortSignal.any([out.left, session]),
          send: async (frame) => {
            if (!session.aborted) await out.send(frame)
          },
        }
        try {
          await out.send(`retry: ${Math.round(RETRY_MS + Math.random() * RETRY_SPREAD_MS)}\n\n`)
          await run(bounded)
        } finally {
          clearInterval(checking)
          session.removeEventListener('abort', end)
          change(who.key, -1)
        }
      })
    },
    count: () => count,
  }
}
