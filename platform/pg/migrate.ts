import { readdirSync, readFileSync } from 'node:fs'
import knex, { type Knex } from 'knex'
import { connectionOptions } from './pool.ts'

/** Those of the database that everything lies in. */
const OURS = new URL('./migrations/', import.meta.url)

/** Numbered SQL files, applied once each and in order. */
const numberedFiles = (folder: URL): Knex.MigrationSource<string> => ({
  getMigrations: async () =>
    readdirSync(folder)
      .filter((file) => file.endsWith('.sql'))
      .sort(),
  getMigrationName: (file) => file,
  getMigration: async (file) => ({
    up: async (db) => void (await db.raw(readFileSync(new URL(file, folder), 'utf8'))),
    // History only grows: a mistake is mended by the next migration.
    down: async () => {},
  }),
})

/** What knex would say on the terminal comes as an error as well. */
const silent = { warn() {}, error() {} }

/**
 * Brings a database up to date. Safe when several processes start at once, and after one was killed half-way.
 * @param folder of numbered SQL files, if it is another database than ours
 * @returns the names of the migrations it applied
 */
export async function migrate(url: string, folder = OURS): Promise<string[]> {
  const connection = connectionOptions(url, { name: 'vidwiz migrate' }) as Knex.PgConnectionConfig
  const db = knex({ client: 'pg', connection, pool: { min: 0, max: 3 }, log: silent })
  try {
    return await db.transaction(async (guard) => {
      await guard.raw(`select pg_advisory_xact_lock(hashtextextended('vidwiz migrations', 0))`)
      const options = { migrationSource: numberedFiles(folder), tableName: 'migrations' }
      // knex's own lock is a row that a killed process leaves behind; ours ends with its connection.
      await db.migrate.forceFreeMigrationsLock(options)
      const [, applied] = await db.migrate.latest(options)
      return applied as string[]
    })
  } finally {
    await db.destroy()
  }
}
