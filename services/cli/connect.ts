import { readSettings } from '#platform/config/settings.ts'
import { openReader } from '#platform/log/open.ts'
import { boundsOf } from '#platform/pg/bounds.ts'
import { codeOf } from '#platform/pg/errors.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, type DbOptions, openDb } from '#platform/pg/pool.ts'
import { databaseUrl, reach } from '#platform/pg/where.ts'
import { OperatorError } from '#platform/service.ts'
import type { Source } from '#projections/engine/loads.ts'
import { replayThreads } from '#services/kit/replay-threads.ts'

export interface Connection extends Source {
  db: Db
  listener: Listener
}

/** Looking at a large system may take longer than a request. */
const LOOK_MS = 60_000

/**
 * Connects to the running system while `work` runs.
 * @param indexed as of a pool: whether statements should use an index wherever there is one
 * @param isLook for commands that only read: a held lock then causes an error instead of an endless wait
 * @throws OperatorError when the system cannot be reached
 */
export async function connected<T>(
  work: (connection: Connection) => Promise<T>,
  { indexed, isLook }: Pick<DbOptions, 'indexed'> & { isLook?: boolean } = {},
): Promise<T> {
  const settings = readSettings()
  const url = databaseUrl(settings)
  const db = openDb(url, { name: 'vidwiz cli', max: 8, indexed, bounds: isLook ? boundsOf(settings, LOOK_MS) : undefined })
  const listener = openListener(url, { name: 'vidwiz cli' })
  const reader = await openReader(settings, db, listener, 'vidwiz cli')
  try {
    await reach(db, { writes: false })
    return await work({ db, listener, reader, threads: replayThreads(settings) })
  } catch (error) {
    throw asLack(error)
  } finally {
    await reader.close()
    await listener.close()
    await db.close()
  }
}

const UNDEFINED_TABLE = '42P01'

/** A missing view means that no projector has run: the projector creates views, not `setup`. */
function asLack(error: unknown): unknown {
  const view = codeOf(error) === UNDEFINED_TABLE && /relation "views\.(\w+)"/.exec((error as Error).message)?.[1]
  if (!view) return error
  return new OperatorError(`there is no view ${view} yet: no projector has run here`, { cause: error })
}
