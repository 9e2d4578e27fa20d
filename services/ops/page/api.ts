import { lose } from './session.ts'

/** The server's refusal; status 0 if it could not be reached. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/**
 * Each resolves with the server's JSON answer; undefined if it is empty.
 * @param path for example `/api/look`
 * @throws ApiError
 */
export const get = <T>(path: string, signal?: AbortSignal) => call<T>('GET', path, undefined, signal)
export const post = <T>(path: string, body: unknown = {}) => call<T>('POST', path, body)
export const del = <T>(path: string) => call<T>('DELETE', path)

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      ...(signal && { signal }),
      ...(body !== undefined && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new ApiError(0, 'UNREACHABLE', 'The server does not answer')
  }
  const text = await response.text()
  const answer = parsed(text)
  if (response.ok) return answer as T
  const { code, message } = refusalOf(answer)
  // A wrong password does not mean that the session is lost.
  if (response.status === 401 && method + path !== 'POST/api/session') lose()
  throw new ApiError(response.status, code ?? `HTTP_${response.status}`, message ?? (text || response.statusText))
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function refusalOf(answer: unknown): { code?: string; message?: string } {
  const { error, detail } = (answer ?? {}) as { error?: { code?: string; message?: string }; detail?: string }
  return error ?? (typeof detail === 'string' ? { message: detail } : {})
}
