/** The API did not answer, or did not do what it was asked for. */
export class ApiError extends Error {
  override name = 'ApiError'
  /** Undefined when there was no answer. */
  readonly status: number | undefined
  /** The API's `Retry-After`. */
  readonly retryAfterMs: number | undefined
  constructor(message: string, status?: number, retryAfterMs?: number) {
    super(message)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }

  /** Whether a retry may succeed later. */
  get mayPass(): boolean {
    return this.status === undefined || this.status === 429 || this.status >= 500
  }

  /** Whether the API refuses our token. */
  get isForbidden(): boolean {
    return this.status === 401 || this.status === 403
  }
}

export interface ApiRequest extends RequestInit {
  /** Until the answer's headers are complete. Connecting may take ten seconds at most, a limit of `fetch` itself. */
  timeoutMs: number
  signal: AbortSignal
}

/** Calls internal routes of an API, ours or the original one. */
export interface ApiClient {
  /** URL that all paths are appended to. */
  base: string
  /** @throws ApiError when there is no answer; the reason of `signal` when it was aborted */
  ask(path: string, request: ApiRequest): Promise<Response>
  /**
   * The JSON of an answer with this status.
   * @throws ApiError when the status is another one, the connection breaks, or the body is not JSON
   */
  json(response: Response, signal: AbortSignal, status?: number): Promise<unknown>
}

/**
 * @param url of the API, without `/v2`
 * @param path prefix of all requests, such as `/v2/internal/tasks`
 */
export function apiClient(url: string, path: string, token: string): ApiClient {
  const base = url.replace(/\/+$/, '') + path
  return {
    base,
    async ask(path, { timeoutMs, signal, ...options }) {
      const timeout = AbortSignal.timeout(timeoutMs)
      const headers = { authorization: `Bearer ${token}`, ...options.headers }
      try {
        // Follows no redirect, because it would send the token along.
        return await fetch(base + path, { ...options, headers, redirect: 'error', signal: AbortSignal.any([signal, timeout]) })
      } catch (error) {
        signal.throwIfAborted()
        throw new ApiError(`${base} does not answer: ${timeout.aborted ? 'it took too long' : whyOf(error)}`)
      }
    },
    async json(response, signal, status = 200) {
      const body = await bodyOf(response, signal)
      if (response.status !== status) throw refusal(response, body)
      return body
    },
  }
}

async function bodyOf(response: Response, signal: AbortSignal): Promise<unknown> {
  try {
    return JSON.parse(await response.text())
  } catch (error) {
    signal.throwIfAborted()
    if (response.ok) throw new ApiError(`the answer cannot be read: ${whyOf(error)}`)
    return undefined
  }
}

const MOST_RETRY_AFTER_S = 300

function refusal(response: Response, body: unknown): ApiError {
  const said = (body as { error?: { message?: unknown } } | undefined)?.error?.message
  const retryAfterS = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new ApiError(
    `${new URL(response.url).origin} answered ${response.status}${said ? ` (${String(said).slice(0, 200)})` : ''}`,
    response.status,
    retryAfterS > 0 ? Math.min(retryAfterS, MOST_RETRY_AFTER_S) * 1_000 : undefined,
  )
}

const whyOf = (error: unknown) => {
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } }
  return cause?.code ?? cause?.message ?? message
}
