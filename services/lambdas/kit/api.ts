import { setTimeout as delay } from 'node:timers/promises'
import type { ApiAccess } from './environment.ts'

/** Headers of a request to the API, and its time limit. */
export interface Asking {
  headers: Record<string, string>
  signal: AbortSignal
}

/** The internal routes of the API that functions need. */
export interface Api {
  /** Undefined when the video is unknown. */
  video(videoId: string, asking: Asking): Promise<Video | undefined>
  /** The video's notes that wait for their text, as the API returns them. */
  notesForAi(videoId: string, asking: Asking): Promise<unknown[]>
  /** False when the note no longer exists. */
  writeNote(noteId: number, text: string, asking: Asking): Promise<boolean>
  storeSummary(videoId: string, summary: string, asking: Asking): Promise<void>
}

export interface Video {
  title?: string | null
  summary?: string | null
}

/** The API did not do what it was asked for. */
export class ApiError extends Error {
  override name = 'ApiError'
}

const ATTEMPTS = 3
const PAUSE_MS = 250

/** Opens the API. Temporary failures are retried, because all of these requests are idempotent. */
export function openApi({ url, token, timeoutMs }: ApiAccess): Api {
  async function ask(method: string, path: string, body: object | undefined, { headers, signal }: Asking): Promise<Response> {
    const request = {
      method,
      headers: { ...headers, Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      // Follow no redirect: the token is for this server only.
      redirect: 'error' as const,
    }
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted()
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      const answer = await fetch(url + path, { ...request, signal: bounded }).catch((error: Error) => error)
      signal.throwIfAborted()
      if (!(answer instanceof Error) && answer.status < 500 && answer.status !== 429) return answer
      if (attempt === ATTEMPTS) throw new ApiError(`${method} ${path}: ${saidBy(answer, timeoutMs)}`)
      if (!(answer instanceof Error)) await answer.body?.cancel()
      await delay(PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random()), undefined, { signal })
    }
  }

  /** Answer to a request; undefined when the API says 404. A 404 not in the API's format means a wrong base address. */
  async function answered(method: string, path: string, body: object | undefined, asking: Asking): Promise<unknown> {
    const answer = await ask(method, path, body, asking)
    const text = await answer.text()
    if (answer.status === 404 && messageIn(text) !== '') return undefined
    if (answer.status !== 200) throw new ApiError(`${method} ${path}: it answered ${answer.status}${messageIn(text)}`)
    return parsed(text) ?? {}
  }

  return {
    video: async (videoId, asking) => (await answered('GET', videoPath(videoId), undefined, asking)) as Video | undefined,
    async notesForAi(videoId, asking) {
      const answer = await answered('GET', `${videoPath(videoId)}/ai-notes`, undefined, asking)
      const notes = (answer as { notes?: unknown } | undefined)?.notes
      return Array.isArray(notes) ? notes : []
    },
    async writeNote(noteId, text, asking) {
      const body = { text, generated_by_ai: true }
      return (await answered('PATCH', `/v2/internal/notes/${noteId}`, body, asking)) !== undefined
    },
    async storeSummary(videoId, summary, asking) {
      const path = `${videoPath(videoId)}/summary`
      if ((await answered('POST', path, { summary }, asking)) === undefined) throw new ApiError(`POST ${path}: it answered 404`)
    },
  }
}

const videoPath = (videoId: string) => `/v2/internal/videos/${encodeURIComponent(videoId)}`

const saidBy = (answer: Response | Error, timeoutMs: number) => {
  if (!(answer instanceof Error)) return `it answered ${answer.status}`
  if (answer.name === 'TimeoutError') return `it did not answer within ${timeoutMs / 1000} s`
  const { code } = (answer.cause ?? {}) as { code?: string }
  return `it cannot be reached (${code ?? answer.message})`
}

/** The reason, if it is given in the API's error format. */
function messageIn(text: string): string {
  const { message } = (parsed(text) as { error?: { message?: unknown } } | undefined)?.error ?? {}
  return typeof message === 'string' ? `: ${message.slice(0, 200)}` : ''
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined
  } catch {
    return undefined
  }
}
