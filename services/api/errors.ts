import { failure, type HttpError } from '#platform/http/errors.ts'
import { LimitExceeded } from '#platform/limits/limiter.ts'
import { Rejected } from '#platform/log/executor.ts'
import { StillTaken } from '#platform/pg/exclusively.ts'

const STATUS: Record<Rejected['code'], number> = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  PRECONDITION_FAILED: 412,
  VALIDATION_ERROR: 422,
  RATE_LIMIT_EXCEEDED: 429,
}

/** The code that goes with the status of a refusal, if there is one. */
export const codeOf = (status: number): string | undefined => Object.entries(STATUS).find(([, one]) => one === status)?.[0]

const error = (code: Rejected['code']) => (message: string) => failure(STATUS[code], code, message)

export const badRequest = error('BAD_REQUEST')
export const unauthorized = error('UNAUTHORIZED')
export const forbidden = error('FORBIDDEN')
export const notFound = error('NOT_FOUND')
export const notConfigured = (message: string) => failure(500, 'INTERNAL_ERROR', message)
export const badGateway = (message: string) => failure(502, 'BAD_GATEWAY', message)
export const unavailable = (message: string, retryInSeconds: number) =>
  failure(503, 'SERVICE_UNAVAILABLE', message, null, ['Retry-After', String(retryInSeconds)])
export const busy = () => unavailable('The server is busy, please try again in a moment', 1)

/** A refused command, a limit exceeded, or others that take too long, as the client sees it; undefined for any other error. */
export function explain(cause: unknown): HttpError | undefined {
  if (cause instanceof Rejected)
    return failure(STATUS[cause.code], cause.code, cause.message, cause.details, retryAfter(cause.details))
  if (cause instanceof StillTaken) return busy()
  return cause instanceof LimitExceeded ? tooManyRequests(cause.resetInSeconds) : undefined
}

function tooManyRequests(seconds: number): HttpError {
  const details = { reset_in_seconds: seconds }
  const message = `Too many requests, please try again in ${seconds} second${seconds === 1 ? '' : 's'}`
  return failure(STATUS.RATE_LIMIT_EXCEEDED, 'RATE_LIMIT_EXCEEDED', message, details, retryAfter(details))
}

/** When to try again, also for clients that know nothing of our details. */
function retryAfter(details: unknown): string[] {
  const seconds = (details as { reset_in_seconds?: number } | null)?.reset_in_seconds
  return seconds === undefined ? [] : ['Retry-After', String(seconds)]
}
