import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { destroyPostgres, startPostgres } from '#platform/pg/embedded/index.ts'
import { migrate } from '#platform/pg/migrate.ts'

/**
 * One real Postgres per test run, started by the first test that asks and gone after the last:
 * the embedded one, with the settings that users run, or the one of VIDWIZ_TEST_DB_URL.
 */
export interface TestDatabase {
  url: string
  /** Ends every connection and removes the database. */
  drop(): Promise<void>
}

interface TestServer {
  /** Of a database with the right to make others. */
  url: string
  stop(): Promise<void>
}

const PREFIX = 'vidwiz-test-'

let server: Promise<TestServer> | undefined
let template: Promise<TestDatabase> | undefined

/** A new database with all migrations applied: a copy of one that was migrated once per test run. */
export async function freshDatabase(): Promise<TestDatabase> {
  template ??= migratedTemplate()
  return createDatabase((await template).url)
}

/** A new database with nothing in it. */
export const emptyDatabase = (): Promise<TestDatabase> => createDatabase()

async function migratedTemplate(): Promise<TestDatabase> {
  const database = await createDatabase()
  await migrate(database.url)
  return database
}

async function createDatabase(like?: string): Promise<TestDatabase> {
  server ??= process.env.VIDWIZ_TEST_DB_URL ? givenServer(process.env.VIDWIZ_TEST_DB_URL) : embeddedServer()
  const { url: serverUrl } = await server
  const url = new URL(serverUrl)
  url.pathname = `vidwiz_test_${randomUUID().replaceAll('-', '')}`
  const name = url.pathname.slice(1)
  await administer(serverUrl, `create database ${name} template ${like ? new URL(like).pathname.slice(1) : 'template0'}`)
  return { url: url.href, drop: () => administer(serverUrl, `drop database if exists ${name} with (force)`) }
}

async function administer(url: string, statement: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

const givenServer = async (url: string): Promise<TestServer> => ({ url, stop: async () => {} })

async function embeddedServer(): Promise<TestServer> {
  await sweep()
  const dataDir = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
  chmodSync(dataDir, 0o755) // also open to the account that root lends the server
  const postgres = await startPostgres({ dataDir, password: randomUUID() })
  return {
    url: postgres.url,
    stop: async () => {
      await postgres.stop()
      await destroyPostgres(dataDir)
      rmSync(dataDir, { recursive: true })
    },
  }
}

/** Servers of test runs that were killed. */
async function sweep() {
  for (const name of readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX))) {
    if (isAlive(Number(name.slice(PREFIX.length).split('-')[0]))) continue
    const dataDir = join(tmpdir(), name)
    try {
      await destroyPostgres(dataDir)
      rmSync(dataDir, { recursive: true, force: true })
    } catch {
      // another run sweeps too, or another user's
    }
  }
}

function isAlive(pid: number) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Stops the server. Called by itself at the end of a mocha run; a benchmark calls it. */
export async function stopPostgres() {
  const [running, copied] = [server, template]
  server = template = undefined
  await (await copied)?.drop()
  await (await running)?.stop()
}

// Imported by a test file, this is a hook of mocha's root suite: it runs after all the tests of all files.
if (typeof after === 'function') after('stop Postgres', stopPostgres)
