import { dataFolder } from '../config/data-folder.ts'
import { secrets } from '../config/secrets.ts'
import type { Settings } from '../config/settings.ts'
import { Trouble } from '../trouble.ts'
import { postgresUrl, runningPostgres } from './embedded/index.ts'
import { codeOf } from './errors.ts'
import type { Queryable } from './pool.ts'

/**
 * The database to use: `DB_URL`, or the embedded Postgres that runs in the data folder.
 * @throws Trouble when neither is there
 */
export function databaseUrl(settings: Settings): string {
  if (settings.DB_URL) return settings.DB_URL
  const data = dataFolder(settings.VIDWIZ_DATA)
  const running = runningPostgres(data)
  if (!running) throw new Trouble(`no Postgres runs in ${data}: start VidWiz first (make start), or set DB_URL`)
  return postgresUrl(running.port, secrets(data).PG_PASSWORD)
}

const UNDEFINED_TABLE = '42P01'

/**
 * Sees to it that the database answers and is ours, before anybody relies on it.
 * @throws Trouble when it does not or is not
 */
export async function reach(db: Queryable): Promise<void> {
  await db.query('reach', 'select 1 from log.events limit 1').catch((error) => {
    if (codeOf(error) === UNDEFINED_TABLE) throw new Trouble('the database is empty: run `vidwiz setup` first', { cause: error })
    throw new Trouble(`cannot use the database: ${error.message || error.code}`, { cause: error })
  })
}
