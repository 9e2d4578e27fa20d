import { dataFolder } from '../config/data-folder.ts'
import { secrets } from '../config/secrets.ts'
import type { Settings } from '../config/settings.ts'
import { Trouble } from '../trouble.ts'
import { postgresUrl, runningPostgres } from './embedded/index.ts'

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
