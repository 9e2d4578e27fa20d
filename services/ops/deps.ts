import type { Settings } from '#platform/config/settings.ts'
import type { Execute } from '#platform/log/commands/executor.ts'
import type { Reader } from '#platform/log/port.ts'
import type { Listener } from '#platform/pg/listen.ts'
import type { Db } from '#platform/pg/pool.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { Act, Done } from '#services/operations/operation.ts'
import type { Sampler } from '#services/operations/sampler.ts'
import type { Access, Who } from './access.ts'
import type { Attempts } from './attempts.ts'

/** Dependencies of the page's server. */
export interface App {
  settings: Settings
  /** Environment that `settings` were read from; passed to child processes. */
  env: NodeJS.ProcessEnv
  db: Db
  listener: Listener
  reader: Reader
  execute: Execute
  /** Looks at the system once a second while somebody watches. */
  sampler: Sampler
  access: Access
  /** Limits guessing of secrets; without it nothing is limited. */
  attempts?: Attempts
  log: Logger
  metrics: Metrics
}

/** Given to a handler along with its input. */
export interface Tools {
  app: App
  /** Sender of the request. */
  who: Who
  /** Performs an act in the name of `who`; records it before and after. */
  operate<T>(act: Act, work: (operation: string) => Promise<Done<T>>): Promise<T>
}
