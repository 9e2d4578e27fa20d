import type { Logger } from 'pino'
import type { Execute } from '#platform/log/commands/executor.ts'
import type { Objects } from '#platform/objects/open.ts'
import type { Db } from '#platform/pg/pool.ts'
import type { Waiter } from '#projections/engine/wait.ts'

/** Everything that chat needs from outside. */
export interface Needs {
  execute: Execute
  /** Knows how far the views have come. */
  waiter: Pick<Waiter, 'visible' | 'mark' | 'holds'>
  db: Db
  objects: Objects
  log: Logger
}
