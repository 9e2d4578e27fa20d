import { failure, type HttpError } from '#platform/http/errors.ts'
import { Rejected } from '#platform/log/executor.ts'

const STATUS: Record<Rejected['code'], number> = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  VALIDATION_ERROR: 422,
}

const error = (code: Rejected['code']) => (message: string) => failure(STATUS[code], code, message)

export const badRequest = error('BAD_REQUEST')
export const unauthorized = error('UNAUTHORIZED')
export const notFound = error('NOT_FOUND')
export const busy = () =>
  failure(503, 'SERVICE_UNAVAILABLE', 'The server is busy, please try again in a moment', null, ['Retry-After', '1'])

/** A refused command as the client sees it; undefined for any other error. */
export const explain = (cause: unknown): HttpError | undefined =>
  cause instanceof Rejected ? failure(STATUS[cause.code], cause.code, cause.message, cause.details) : undefined
