import { failure, type HttpError } from '#platform/http/errors.ts'
import { LimitExceeded } from '#platform/limits/limiter.ts'
import { Contended, Rejected } from '#platform/log/commands/executor.ts'
import { unknownIn } from '#platform/log/newer-code.ts'
import { LogHalted } from '#platform/log/timeline.ts'
import { isUnavailable, codeOf as sqlStateOf } from '#platform/pg/errors.ts'
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

/** The error code that belongs to a status, if there is one. */
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

const OTHER_VIEW = 'The data is being brought to another version, please try again in a moment'

/** Long enough for a restart to make progress, short enough for a waiting person. */
const RETRY_SECONDS = 5

/** The write may have been committed before the failure; an Idempotency-Key makes repeating safe in any case. */
const databaseUnavailable = () =>
  unavailable(
    'The database cannot be used at the moment, please try again later; repeat a change with the same Idempotency-Key, so that it is made once',
    RETRY_SECONDS,
  )

/** An operator has to intervene, which takes a while. */
const HALTED_SECONDS = 60
const halted = () =>
  unavailable('Nothing can be written until an operator has looked at the log, please try again later', HALTED_SECONDS)

/** Older code runs beside newer code for as long as an upgrade takes; the next attempt may reach a process of newer code. */
const ofNewerCode = () =>
  unavailable('This was changed by a newer version of this service, please try again in a moment', RETRY_SECONDS)

/**
 * The HTTP error for a rejected command, an event of newer code, an exceeded limit, a lock that stays taken, or an unusable database;
 * undefined for any other error.
 */
export function explain(cause: unknown): HttpError | undefined {
  if (cause instanceof Rejected)
    return failure(STATUS[cause.code], cause.code, cause.message, cause.details, retryAfter(cause.details))
  if (cause instanceof StillTaken || cause instanceof Contended) return busy()
  if (cause instanceof LogHalted) return halted()
  if (unknownIn(cause)) return Object.assign(ofNewerCode(), { cause })
  // Undefined column or table: the view belongs to another version of the code until this version's projector has built it.
  if (['42703', '42P01'].includes(sqlStateOf(cause) ?? '')) return Object.assign(unavailable(OTHER_VIEW, 5), { cause })
  if (cause instanceof LimitExceeded) return tooManyRequests(cause.resetInSeconds)
  return isUnavailable(cause) ? databaseUnavailable() : undefined
}

function tooManyRequests(seconds: number): HttpError {
  const details = { reset_in_seconds: seconds }
  const message = `Too many requests, please try again in ${seconds} second${seconds === 1 ? '' : 's'}`
  return failure(STATUS.RATE_LIMIT_EXCEEDED, 'RATE_LIMIT_EXCEEDED', message, details, retryAfter(details))
}

/** `Retry-After`, for clients that do not read `details`. */
function retryAfter(details: unknown): string[] {
  const seconds = (details as { reset_in_seconds?: number } | null)?.reset_in_seconds
  return seconds === undefined ? [] : ['Retry-After', String(seconds)]
}
