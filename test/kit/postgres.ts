import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { deciders } from '#events/catalog.ts'
import { makeSequences } from '#platform/log/postgres/sequences.ts'
import { destroyPostgres, startPostgres } from '#platform/pg/embedded/index.ts'
import { migrate } from '#platform/pg/migrate.ts'
import { openDb } from '#platform/pg/pool.ts'
import { type Pgbouncer, type PgbouncerRelease, startPgbouncer } from './pgbouncer.ts'

/**
 * One real Postgres per test run, started on first use and stopped at the end: the embedded one, with the settings that users run,
 * or the server of VIDWIZ_TEST_DB_URL. With VIDWIZ_TEST_POOLER=pgbouncer (or pgbouncer@1.24) the system under test uses it through
 * a PgBouncer in session mode.
 */
export interface TestDatabase {
  url: string
  /** Ends all connections and removes the database. */
  drop(): Promise<void>
}

export interface NewDatabase extends TestDatabase {
  name: string
  /** URL of the server itself, also when `url` leads through a pooler. */
  direct: string
  /** Makes new defaults of a database or role effective: a pooler would otherwise hand out older sessions. */
  renewSessions(): Promise<void>
}

interface TestServer {
  pooler?: Pgbouncer
  /** URL of a database whose user may create databases. */
  url: string
  stop(): Promise<void>
}

const PREFIX = 'vidwiz-test-'

let server: Promise<TestServer> | undefined
let template: Promise<NewDatabase> | undefined

/** A new migrated database: a copy of one that is migrated once per test run. */
export async function freshDatabase(): Promise<NewDatabase> {
  template ??= migratedTemplate()
  return createDatabase({ like: (await template).name })
}

/** URL of the server itself for a URL that may lead through a pooler. */
export const directly = async (url: string): Promise<string> => (await server)?.pooler?.direct(url) ?? url

/** A new, empty database. */
export const emptyDatabase = ({ encoding }: { encoding?: string } = {}): Promise<NewDatabase> =>
  createDatabase({ clause: encoding ? `encoding '${encoding}' locale 'C'` : '' })

async function migratedTemplate(): Promise<NewDatabase> {
  const database = await createDatabase()
  // Not through a pooler: its idle connections would prevent copying the template.
  await setUp(database.direct)
  return database
}

/** Makes the tables and sequences in an empty database. */
export async function setUp(url: string): Promise<void> {
  await migrate(url)
  const db = openDb(url, { max: 1 })
  await makeSequences(db, deciders).finally(db.close)
}

async function createDatabase({
  like = 'template0',
  clause = '',
}: {
  like?: string
  clause?: string
} = {}): Promise<NewDatabase> {
  server ??= startServer()
  const { url: serverUrl, pooler } = await server
  const url = new URL(serverUrl)
  url.pathname = `vidwiz_test_${randomUUID().replaceAll('-', '')}`
  const name = url.pathname.slice(1)
  await administer(serverUrl, `create database ${name} template ${like} ${clause}`)
  return {
    url: pooler?.through(url.href) ?? url.href,
    name,
    direct: url.href,
    renewSessions: async () => pooler?.renew(name),
    drop: () => administer(serverUrl, `drop database if exists ${name} with (force)`),
  }
}

/** Copies a database, like a backup. Copying and restoring end all its connections. */
export async function backUp(url: string): Promise<{ restore(): Promise<void>; drop(): Promise<void> }> {
  const { url: serverUrl } = await server!
  const name = new URL(url).pathname.slice(1)
  // Postgres cannot copy a database with connections.
  await administer(serverUrl, `alter database ${name} allow_connections false`)
  await administer(serverUrl, `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${name}'`)
  const copy = await createDatabase({ like: name })
  await administer(serverUrl, `alter database ${name} allow_connections true`)
  const copied = new URL(copy.url).pathname.slice(1)
  return {
    async restore() {
      await administer(serverUrl, `drop database ${name} with (force)`)
      await administer(serverUrl, `create database ${name} template ${copied}`)
    },
    drop: copy.drop,
  }
}

/** Runs a statement on a separate connection. */
export async function administer(url: string, statement: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

async function startServer(): Promise<TestServer> {
  const started = await (process.env.VIDWIZ_TEST_DB_URL ? givenServer(process.env.VIDWIZ_TEST_DB_URL) : embeddedServer())
  const [name, release] = (process.env.VIDWIZ_TEST_POOLER ?? '').split('@')
  if (name !== 'pgbouncer') return started
  const pooler = await startPgbouncer(started.url, { mode: 'session', ...(release && { release: release as PgbouncerRelease }) })
  const stop = async () => {
    await pooler.stop()
    await started.stop()
  }
  return { ...started, pooler, stop }
}

const givenServer = async (url: string): Promise<TestServer> => ({ url, stop: async () => {} })

async function embeddedServer(): Promise<TestServer> {
  await sweep()
  const dataDir = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
  chmodSync(dataDir, 0o755) // also readable for the account under which root runs the server
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

/** Removes servers of killed test runs. */
async function sweep() {
  for (const name of readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX))) {
    if (isAlive(Number(name.slice(PREFIX.length).split('-')[0]))) continue
    const dataDir = join(tmpdir(), name)
    try {
      await destroyPostgres(dataDir)
      rmSync(dataDir, { recursive: true, force: true })
    } catch {
      // another run removes it too, or it is another user's
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

/** Stops the server. Runs by itself at the end of a mocha run; benchmarks call it. */
export async function stopPostgres() {
  const [running, copied] = [server, template]
  server = template = undefined
  await (await copied)?.drop()
  await (await running)?.stop()
}

// In a test file this adds a hook to mocha's root suite: it runs after all tests of all files.
if (typeof after === 'function') after('stop Postgres', stopPostgres)
