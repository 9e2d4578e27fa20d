import { userInfo } from 'node:os'
import { catalog, deciders } from '#events/catalog.ts'
import { topics } from '#events/topics.ts'
import { readSettings } from '#platform/config/settings.ts'
import { executor } from '#platform/log/commands/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { openDb } from '#platform/pg/pool.ts'
import { databaseUrl, reach } from '#platform/pg/where.ts'
import { OperatorError } from '#platform/service.ts'
import { type Act, type Done, type Operator, operate } from '#services/operations/operation.ts'

/** The person at the command line. */
export const operator = (): Operator => ({ name: userName(), via: 'cli' })

/** An account may have no name, for example in a container. */
function userName(): string {
  try {
    return userInfo().username || 'somebody'
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`
  }
}

/**
 * Does something that needs no database, and records it like every operation. If the database cannot be reached, as on helpers'
 * machines, it is done anyway, and a warning says that it is not recorded.
 */
export async function recorded<T>(act: Act, work: (operation?: string) => Promise<Done<T>>): Promise<T> {
  let db: ReturnType<typeof openDb> | undefined
  try {
    db = openDb(databaseUrl(readSettings()), { name: 'vidwiz cli', max: 1 })
    await reach(db)
  } catch (error) {
    await db?.close()
    if (!(error instanceof OperatorError)) throw error
    console.error(`this is not recorded in vidwiz.ops: ${error.message}`)
    return (await work()).result
  }
  const { execute, idle } = executor({ appender: appender(db), catalog, deciders, topics })
  try {
    return await operate(execute, operator(), act, work)
  } finally {
    await idle()
    await db.close()
  }
}
