/** One thing wrong with a request: where, in words, and of what kind. */
export interface Problem {
  field: string
  message: string
  type: string
}

/** A request that is answered with an error. `body` is what goes out. */
export class HttpError extends Error {
  readonly status: number
  readonly body: unknown
  /** Names and values in turn. */
  readonly headers: readonly string[]
  constructor(status: number, message: string, body: unknown, headers: readonly string[] = []) {
    super(message)
    this.name = 'HttpError'
    this.status = status
    this.body = body
    this.headers = headers
  }
}

/** An error in the envelope: `{"error":{"code","message","details"}}`. */
export const failure = (
  status: number,
  code: string,
  message: string,
  details: unknown = null,
  headers: readonly string[] = [],
) => new HttpError(status, message, { error: { code, message, details } }, headers)

/** An error of the HTTP layer itself: `{"detail"}`. */
export const plainFailure = (status: number, detail: string, headers: readonly string[] = []) =>
  new HttpError(status, detail, { detail }, headers)

/** 422 with all that is wrong. */
export const invalid = (problems: Problem[]) => failure(422, 'VALIDATION_ERROR', 'Request validation failed', problems)

export const notFound = () => plainFailure(404, 'Not Found')
export const methodNotAllowed = (allow: string) => plainFailure(405, 'Method Not Allowed', ['Allow', allow])
export const unreadableBody = () => plainFailure(400, 'There was an error parsing the body')
export const internalError = () => failure(500, 'INTERNAL_ERROR', 'Internal Server Error')
export const bodyTooLarge = (limitBytes: number) =>
  failure(413, 'PAYLOAD_TOO_LARGE', `Request body is larger than ${limitBytes} bytes`)
