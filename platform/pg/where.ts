import { dataFolder } from '../config/data-folder.ts'
import { secrets } from '../config/secrets.ts'
import type { Settings } from '../config/settings.ts'
import { OperatorError } from '../operator-error.ts'
import { askTime } from './clock.ts'
import { postgresUrl, runningPostgres } from './embedded/index.ts'
import { codeOf, isReadOnly, messageOf, NOT_ALLOWED, READ_ONLY } from './errors.ts'
import { numberedFiles } from './numbered-files.ts'
import type { Db, Queryable } from './pool.ts'

/**
 * The database to use: `DB_URL`, or the embedded Postgres that runs in the data folder.
 * @throws OperatorError when neither is there
 */
export function databaseUrl(settings: Settings): string {
  if (settings.DB_URL) return settings.DB_URL
  const data = dataFolder(settings.VIDWIZ_DATA)
  const running = runningPostgres(data)
  if (!running) throw new OperatorError(`no Postgres runs in ${data}: start VidWiz first (make start), or set DB_URL`)
  return postgresUrl(running.port, secrets(data).PG_PASSWORD)
}

const UNDEFINED_TABLE = '42P01'

const APPLIED = 'select name from vidwiz.migrations'
/** Databases known to have all tables; migrations are never undone, so one check is enough. */
const complete = new WeakSet<Queryable>()

/** The migrations that were not applied; empty when our role may not read the list. */
async function missing(db: Queryable): Promise<string[]> {
  try {
    const applied = new Set((await db.query<{ name: string }>('reach.applied', APPLIED)).map(({ name }) => name))
    return numberedFiles().filter((name) => !applied.has(name))
  } catch (error) {
    // Versions before this list existed kept it in another schema.
    if (codeOf(error) === UNDEFINED_TABLE) return numberedFiles()
    if (codeOf(error) === NOT_ALLOWED) return []
    throw error
  }
}

const REACH = `select has_table_privilege('log.events', 'insert') as "mayWrite", current_setting('transaction_read_only') = 'on' as "isReadOnly", current_user as role from (select 1) one left join (select from log.events limit 1) first on true`

const SESSION = `select current_setting('transaction_read_only') = 'on' as "isReadOnly", backend_start >= $1::timestamptz as "isNew"
  from pg_stat_get_activity(pg_backend_pid())`

/** More sessions than a pooler keeps for one database. */
const MOST_SESSIONS = 200

/**
 * Whether a session that begins now is read-only. Sessions keep their initial defaults, and a pooler may hand out any number of
 * sessions from before an administrator's change; each is given up, until one is new.
 */
async function isStillReadOnly(db: Db): Promise<boolean> {
  const [row] = await db.query<{ asked: string }>('reach.asked', 'select clock_timestamp() as asked')
  for (let given = 0; given < MOST_SESSIONS; given++) {
    let isNew = false
    try {
      await db.connection(async (client) => {
        const session = (await client.query<{ isReadOnly: boolean; isNew: boolean }>(SESSION, [row!.asked])).rows[0]!
        isNew = session.isNew
        // With this code the pool gives up the session.
        if (session.isReadOnly) throw Object.assign(new Error('the session is read-only'), { code: READ_ONLY })
      })
      return false
    } catch (error) {
      if (!isReadOnly(error)) throw error
      if (isNew) return true
    }
  }
  return true
}

/**
 * Checks that the database answers, has all tables and can be written to; also adjusts this process's clock to the database's.
 * @param writes false for callers that only read
 * @throws OperatorError when the database cannot be used, lacks migrations, or its user may not write
 */
export async function reach(db: Db, { writes = true }: { writes?: boolean } = {}): Promise<void> {
  let lacking: string[] = []
  const asked = db.query<{ mayWrite: boolean; isReadOnly: boolean; role: string }>('reach', REACH).then(async (rows) => {
    await askTime(db)
    if (!complete.has(db)) lacking = await missing(db)
    return rows
  })
  const [row] = await asked.catch((error) => {
    if (codeOf(error) === UNDEFINED_TABLE)
      throw new OperatorError('the database is empty: run `npx vidwiz setup` first', { cause: error })
    throw new OperatorError(`cannot use the database: ${messageOf(error)}`, { cause: error })
  })
  if (lacking.length > 0)
    throw new OperatorError(
      `the tables of the database are of an older version, from before ${lacking[0]}: run \`npx vidwiz setup\` of this version first`,
    )
  complete.add(db)
  if (writes && row!.isReadOnly && (await isStillReadOnly(db)))
    throw new OperatorError(
      `the database is read-only for the user ${row!.role} of DB_URL: default_transaction_read_only is on; let an administrator run: alter database … reset …, or alter role … reset …`,
    )
  if (writes && !row!.mayWrite)
    throw new OperatorError(
      `the user ${row!.role} of DB_URL may not write to the tables: use their owner, or grant it what they have`,
    )
}
