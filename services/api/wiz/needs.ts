import type { Logger } from 'pino'
import type { Execute } from '#platform/log/executor.ts'
import type { Place } from '#platform/log/port.ts'
import type { Objects } from '#platform/objects/open.ts'
import type { Db } from '#platform/pg/pool.ts'

/** What chat needs of the world. */
export interface Needs {
  execute: Execute
  /** Waits (bounded) until these views show what lies at these places; false when it gave up. */
  visible(views: string[], places: Place[]): Promise<boolean>
  db: Db
  objects: Objects
  log: Logger
}
