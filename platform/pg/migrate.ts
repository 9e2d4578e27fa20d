import { readFileSync } from 'node:fs'
import knex, { type Knex } from 'knex'
import { OperatorError } from '../operator-error.ts'
import { databaseIn, userIn } from './address.ts'
import { adopt, BOOKKEEPING, bookkeeping, TABLE } from './bookkeeping.ts'
import { codeOf, messageOf, NOT_ALLOWED } from './errors.ts'
import { numberedFiles, OURS } from './numbered-files.ts'
import { openPool } from './pool.ts'
import { STEPS, squash } from './squashed.ts'

/** Numbered SQL files, applied once each and in order. */
const sourceOf = (folder: URL): Knex.MigrationSource<string> => ({
  getMigrations: async () => numberedFiles(folder),
  getMigrationName: (file) => file,
  getMigration: async (file) => ({
    up: async (db) => void (await db.raw(readFileSync(new URL(file, folder), 'utf8'))),
    // Migrations are never undone: the next migration corrects a mistake.
    down: async () => {},
  }),
})

/** Everything that knex would print also arrives as an error. */
const silent = { warn() {}, error() {} }

/**
 * Applies all missing migrations. Safe when several processes start at once, and after a process was killed half-way.
 * @param folder of numbered SQL files, for a database other than VidWiz's own
 * @returns the names of the migrations that it applied
 * @throws OperatorError when the database cannot be used, or its user may not change it
 */
export async function migrate(url: string, folder = OURS): Promise<string[]> {
  const pool = openPool(url, { name: 'vidwiz migrate', max: 3 })
  pool.on('error', () => {})
  const db = knex({ client: 'pg', connectionPool: pool, log: silent })
  try {
    return await db.transaction(async (guard) => {
      await guard.raw(`select pg_advisory_xact_lock(hashtextextended('vidwiz migrations', 0))`)
      const migrationSource = sourceOf(folder)
      await bookkeeping(db)
      const options = { migrationSource, schemaName: BOOKKEEPING, tableName: TABLE }
      // Makes its tables. The list is not checked yet: it may be of a version from before the first release.
      await db.migrate.list({ ...options, disableMigrationsListValidation: true })
      if (folder === OURS) {
        await adopt(db, [...new Set([...(await migrationSource.getMigrations([])), ...STEPS])])
        await squash(db)
      }
      // A killed process leaves knex's own lock, a row in our schema, behind; the advisory lock above ends with its connection.
      await db.migrate.forceFreeMigrationsLock(options)
      const [, applied] = await db.migrate.latest(options)
      return applied as string[]
    })
  } catch (error) {
    throw codeOf(error) === NOT_ALLOWED ? notAllowed(url, error) : error
  } finally {
    await db.destroy()
    await pool.end()
  }
}

const notAllowed = (url: string, error: unknown) =>
  new OperatorError(
    `the user ${userIn(url)} may not change the tables of the database ${databaseIn(url)} (${messageOf(error)}): ` +
      'run `vidwiz setup` as its owner, or let the owner run: alter database … owner to …',
    { cause: error },
  )
