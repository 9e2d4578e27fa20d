import pg from 'pg'
import { OperatorError } from '../operator-error.ts'

/** The SQLSTATE of a Postgres error, or the code of a system error. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

/** True when Postgres rejects the data itself, so retrying cannot help: classes 22 (data exception) and 23 (constraint). */
export const isRefusal = (error: unknown): boolean => /^2[23]/.test(codeOf(error) ?? '')

/**
 * No connection to the database could be made, or it broke, or no answer came in time.
 * It is unknown whether a statement that was sent has been carried out.
 */
export class ConnectionLost extends Error {
  override name = 'ConnectionLost'
  readonly code: string | undefined
  constructor(cause: Error) {
    super(cause.message || String(codeOf(cause) ?? 'connection lost'), { cause })
    this.code = codeOf(cause)
  }
}

/**
 * Classes of errors that say Postgres cannot work at the moment, or not for us: connections (08), authorization (28), no such
 * database (3D), resources (53: disk, memory, connections), operators (57: shutdown, startup, statement timeouts), system errors (58).
 */
const UNAVAILABLE_CLASS = /^(08|28|3D|53|57|58)/
/** read_only_sql_transaction: read-only by setting, or a standby. */
export const READ_ONLY = '25006'
/** insufficient_privilege: our role lacks a right that the statement needs. */
export const NOT_ALLOWED = '42501'
const UNAVAILABLE = new Set([
  READ_ONLY,
  '25P03', // idle_in_transaction_session_timeout
  '25P04', // transaction_timeout
  NOT_ALLOWED, // an administrator revoked a right, and can give it back
  '40001', // serialization_failure: on a standby, a conflict with recovery
  '40P01', // deadlock_detected
  '55000', // object_not_in_prerequisite_state: on a standby
  '55006', // object_in_use
  '55P03', // lock_not_available: a lock timeout
])

/** True when an error means that the database could not be used: trying again later can help. */
export function isUnavailable(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause) {
    const code = codeOf(one)
    if (one instanceof ConnectionLost) return true
    if (one instanceof pg.DatabaseError && code !== undefined && (UNAVAILABLE_CLASS.test(code) || UNAVAILABLE.has(code)))
      return true
  }
  return false
}

/** True when an error comes from a read-only session: by its settings, or because the server is a standby. */
export function isReadOnly(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause) if (codeOf(one) === READ_ONLY) return true
  return false
}

/** Errors of `pg` about a connection, which have a message but no code. */
const OF_CONNECTION =
  /^(Connection terminated|timeout (expired|exceeded)|Query read timeout|Client (has encountered a connection error|was closed))/

/** Turns a failure to connect, or of a connection, into `ConnectionLost`; returns any other error as it is. */
export function asConnectionError(error: unknown, wasConnecting = false): unknown {
  if (!(error instanceof Error) || error instanceof pg.DatabaseError || error instanceof ConnectionLost) return error
  // PinnedClient has already explained this error to the user.
  if (error instanceof OperatorError) return error
  const isOfSystem = /^E(?!RR_)/.test(codeOf(error) ?? '')
  return wasConnecting || isOfSystem || OF_CONNECTION.test(error.message) ? new ConnectionLost(error) : error
}

/** The message of an error. An AggregateError of several connection attempts (IPv4, IPv6) has none: its parts are joined. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && !error.message) return [...new Set(error.errors.map(messageOf))].join(', ')
  return error instanceof Error ? error.message || codeOf(error) || error.name : String(error)
}

const REASONS: [RegExp, string][] = [
  [/^HALT0$/, 'halted until an operator has looked at the log'],
  [/^55P03$/, 'locked by another session'],
  [/^57014$/, 'too slow'],
  [/^25006$/, 'read-only'],
  [/^53100$/, 'disk full'],
  [/^53200$/, 'out of memory'],
  [/^53300$/, 'out of connections'],
  [/^57P03$/, 'starting or stopping'],
  [/^57P0/, 'shut down'],
  [/^28/, 'login refused'],
  [/^42501$/, 'permission denied'],
  [/^3D/, 'no such database'],
  [/^E[A-Z]+$/, 'not reached'],
]

/** Why the database cannot be used, in a few words that reveal no details. */
export function reasonOf(error: unknown): string {
  for (let one = error; one instanceof Error; one = one.cause) {
    const code = codeOf(one)
    const known = REASONS.find(([pattern]) => code !== undefined && pattern.test(code))
    if (known) return known[1]
    if (one instanceof ConnectionLost) return 'no answer in time, or the connection broke'
  }
  return 'failed'
}
