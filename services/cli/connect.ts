import { readSettings } from '#platform/config/settings.ts'
import { openReader } from '#platform/log/open.ts'
import type { Reader } from '#platform/log/port.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, type DbOptions, openDb } from '#platform/pg/pool.ts'
import { databaseUrl, reach } from '#platform/pg/where.ts'

export interface Connection {
  db: Db
  listener: Listener
  reader: Reader
}

/**
 * Lends a connection to the running system for as long as `work` takes.
 * @param indexed as of a pool: whether statements are to use an index wherever there is one
 * @throws Trouble when there is none
 */
export async function connected<T>(
  work: (connection: Connection) => Promise<T>,
  { indexed }: Pick<DbOptions, 'indexed'> = {},
): Promise<T> {
  const settings = readSettings()
  const url = databaseUrl(settings)
  const db = openDb(url, { name: 'vidwiz cli', max: 4, indexed })
  const listener = openListener(url, { name: 'vidwiz cli' })
  const reader = openReader(settings, db, listener, 'vidwiz cli')
  try {
    await reach(db)
    return await work({ db, listener, reader })
  } finally {
    await reader.close()
    await listener.close()
    await db.close()
  }
}
