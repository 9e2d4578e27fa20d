import { catalog, deciders } from '#events/catalog.ts'
import { topics } from '#events/topics.ts'
import { type Execute, executor } from '#platform/log/commands/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import type { Db } from '#platform/pg/pool.ts'
import type { Operator } from '#services/operations/operation.ts'
import { operator } from './recorded.ts'

/** For acts on the system from the command line, recorded in the name of the person who runs it. */
export function operating(db: Db): { db: Db; execute: Execute; operator: Operator } {
  const { execute } = executor({ appender: appender(db), catalog, deciders, topics })
  return { db, execute, operator: operator() }
}
