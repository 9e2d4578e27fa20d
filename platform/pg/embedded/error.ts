import { OperatorError } from '../../operator-error.ts'

/** The embedded Postgres cannot start, stop or be used; the message says what to do about it. */
export class EmbeddedPostgresError extends OperatorError {
  readonly code = 'EMBEDDED_POSTGRES'
  override name = 'EmbeddedPostgresError'
}
