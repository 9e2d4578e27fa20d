import type { Logger } from 'pino'
import type { Execute } from '#platform/log/executor.ts'
import type { Place } from '#platform/log/port.ts'
import type { Db } from '#platform/pg/pool.ts'
import type { Tokens } from './auth/tokens.ts'

/** All that the API needs of the world. */
export interface Deps {
  execute: Execute
  /** Waits (bounded) until these views show what lies at these places; false when it gave up. */
  visible(views: string[], places: Place[]): Promise<boolean>
  db: Db
  log: Logger
  /** Signs user and long-term tokens. */
  secretKey: string
  /** How long a user's token lasts. */
  jwtExpiryHours: number
  /** Most bytes of a request's body; 16 MB if not given. */
  bodyLimitBytes?: number
  /** Checks every answer against the schema that its route declares; for tests. */
  checkAnswers?: boolean
}

/** The dependencies, and what is made from them once. */
export interface App extends Deps {
  tokens: Tokens
}
