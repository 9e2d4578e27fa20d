import type { Settings } from '../config/settings.ts'

/** How long the database may take while a client waits for an answer. */
export interface Bounds {
  /** To get a connection, new or from the pool. */
  connectMs: number
  /** The server cancels a statement that takes longer; a cancelled statement has changed nothing. */
  statementMs: number
  /** The server cancels a statement that waits longer for one lock. */
  lockMs: number
  /**
   * Gives up the connection when no answer has come by then. Longer than `statementMs`, so the server has had time to report the
   * cancellation; without that report it is unknown whether the statement was carried out.
   */
  answerMs: number
}

/** SQL that makes the server enforce the bounds of statements and locks for a session. */
export const boundsText = ({ statementMs, lockMs }: Bounds): string =>
  `set statement_timeout = ${Math.ceil(statementMs)}; set lock_timeout = ${Math.ceil(lockMs)}`

/** More than the server needs to cancel a statement and report it. */
const ANSWER_AFTER_MS = 2_000

/**
 * The bounds for services that answer people.
 * @param longestMs bound of a statement, for services with statements that take longer than the settings allow
 */
export function boundsOf(
  settings: Pick<Settings, 'DB_CONNECT_SECONDS' | 'DB_LOCK_SECONDS' | 'DB_STATEMENT_SECONDS'>,
  longestMs = 0,
): Bounds {
  const statementMs = Math.max(settings.DB_STATEMENT_SECONDS * 1_000, longestMs)
  return {
    connectMs: settings.DB_CONNECT_SECONDS * 1_000,
    lockMs: settings.DB_LOCK_SECONDS * 1_000,
    statementMs,
    answerMs: statementMs + ANSWER_AFTER_MS,
  }
}
