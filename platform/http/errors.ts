/** One problem of a request: its field, a message and its type. */
export interface Problem {
  field: string
  message: string
  type: string
}

/** An error to answer a request with. `body` is the answer's body, before JSON.stringify. */
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

/** 422 with all problems. */
export const invalid = (problems: Problem[]) => failure(422, 'VALIDATION_ERROR', 'Request validation failed', problems)

export const notFound = () => plainFailure(404, 'Not Found')
/** @param allow the methods that the target supports, comma-separated; empty for CONNECT */
export const methodNotAllowed = (allow: string) => plainFailure(405, 'Method Not Allowed', ['Allow', allow])
export const unreadableBody = () => plainFailure(400, 'There was an error parsing the body')
export const internalError = () => failure(500, 'INTERNAL_ERROR', 'Internal Server Error')
export const bodyTooLarge = (limitBytes: number) =>
  failure(413, 'PAYLOAD_TOO_LARGE', `Request body is larger than ${limitBytes} bytes`)

export const badHead = (why: string) => failure(400, 'BAD_REQUEST', `The request cannot be read: ${why}`)
export const requestTimeout = () => failure(408, 'REQUEST_TIMEOUT', 'The request took too long to come')
export const unsupportedCoding = () =>
  failure(415, 'UNSUPPORTED_MEDIA_TYPE', 'Request body must not be compressed', null, ['Accept-Encoding', 'identity'])
export const expectationFailed = () => failure(417, 'EXPECTATION_FAILED', 'The only expectation that is met is 100-continue')
export const headTooLarge = (limitBytes: number) =>
  failure(431, 'REQUEST_HEADER_FIELDS_TOO_LARGE', `The target and the header fields are larger than ${limitBytes} bytes`)
export const chunkExtensionsTooLarge = () => failure(413, 'PAYLOAD_TOO_LARGE', 'The chunk extensions are too large')
export const transferCodingNotImplemented = () =>
  failure(501, 'NOT_IMPLEMENTED', 'No Transfer-Encoding but chunked is implemented')
export const versionNotSupported = () => failure(505, 'HTTP_VERSION_NOT_SUPPORTED', 'Only HTTP/1.1 and HTTP/1.0 are spoken here')
export const tooManyParts = (most: number) =>
  failure(413, 'PAYLOAD_TOO_LARGE', `Request body consists of more than ${most} lists, objects and keys`)
