import { Trouble } from '../../trouble.ts'

/** The embedded Postgres cannot do what it was asked; the message says what to do about it. */
export class EmbeddedPostgresError extends Trouble {
  readonly code = 'EMBEDDED_POSTGRES'
  override name = 'EmbeddedPostgresError'
}
