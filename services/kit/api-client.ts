/** The API did not do what it was asked for. */
export class ApiError extends Error {
  override name = 'ApiError'
  /** Undefined when there was no answer at all. */
  readonly status: number | undefined
  /** The API's own wish, of when to come again. */
  readonly retryAfterMs: number | undefined
  constructor(message: string, status?: number, retryAfterMs?: number) {
    super(message)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }

  /** Whether the same may go better a while later. */
  get mayPass(): boolean {
    return this.status === undefined || this.status === 429 || this.status >= 500
  }

  /** Whether our token is refused. */
  get isForbidden(): boolean {
    return this.status === 401 || this.status === 403
  }
}

export interface ApiRequest extends RequestInit {
  /** For all of the answer's head; to connect, `fetch` by itself takes ten seconds and no more. */
  timeoutMs: number
  signal: AbortSignal
}

/** Asks internal routes of the API, of ours or of the original one. */
export interface ApiClient {
  /** Where it asks. */
  base: string
  /** @throws ApiError when there is no answer; what `signal` was aborted with */
  ask(path: string, request: ApiRequest): Promise<Response>
  /**
   * The JSON of an answer with this status.
   * @throws ApiError when it has another one, the connection breaks, or what comes is not JSON
   */
  json(response: Response, signal: AbortSignal, status?: number): Promise<unknown>
}

/**
 * @param url of the API, without `/v2`
 * @param path below which all is that is asked for, as `/v2/internal/tasks`
 */
export function apiClient(url: string, path: string, token: string): ApiClient {
  const base = url.replace(/\/+$/, '') + path
  return {
    base,
    async ask(path, { timeoutMs, signal, ...options }) {
      const timeout = AbortSignal.timeout(timeoutMs)
      const headers = { authorization: `Bearer ${token}`, ...options.headers }
      try {
        // Wherever a redirection leads, the token is not for there.
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
