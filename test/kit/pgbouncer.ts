import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context } from 'mocha'
import pg from 'pg'
import { UNPACK_MS, unpacked } from './debian.ts'
import { freePort } from './free-port.ts'

/**
 * Releases that differ in what they accept: from 1.20 on, `options` in the startup message are read, and most are refused; from
 * 1.21 on, transaction mode supports prepared statements. The newer one brings its own C library and other libraries.
 */
const RELEASES = {
  '1.18': { packages: ['pgbouncer', 'libc-ares2'], from: undefined },
  '1.24': {
    packages: [
      ...['pgbouncer', 'libc6', 'libcares2', 'libevent-2.1-7t64', 'libpam0g', 'libssl3t64', 'libsystemd0', 'libaudit1'],
      ...['libcap-ng0', 'libcap2', 'libzstd1', 'zlib1g'],
    ],
    from: 'trixie',
  },
} as const
const LIBRARIES = 'usr/lib/x86_64-linux-gnu'
const LOADER = 'usr/lib64/ld-linux-x86-64.so.2'
/** PgBouncer refuses to run as root. */
const NOBODY = 65_534
const START_MS = 10_000

export interface Pgbouncer {
  /** URL of a database through the pooler. */
  through(databaseUrl: string): string
  /** URL of a database without the pooler. */
  direct(url: string): string
  /** Changes the pool mode while it runs. */
  setMode(mode: PoolMode): Promise<void>
  /** Closes idle connections to a database, and the others once they are returned. */
  renew(database: string): Promise<void>
  stop(): Promise<void>
}

export type PoolMode = 'session' | 'transaction' | 'statement'
export type PgbouncerRelease = keyof typeof RELEASES

export const PGBOUNCER_RELEASES = Object.keys(RELEASES) as PgbouncerRelease[]

export interface PgbouncerOptions {
  mode: PoolMode
  /** Default: the older one. */
  release?: PgbouncerRelease
  /** Maximum number of connections to the server, for each database. */
  size?: number
  /** Additional lines of the `[pgbouncer]` section. */
  settings?: Record<string, string | number>
}

/**
 * A real PgBouncer in front of a server. If unavailable, the tests are skipped, or fail with REQUIRE_PGBOUNCER=1.
 * @param serverUrl URL of any database of the server; its user must be allowed to read the passwords of others
 */
export async function pgbouncer(test: Context, serverUrl: string, options: PgbouncerOptions): Promise<Pgbouncer> {
  test.timeout(UNPACK_MS)
  try {
    await programOf(options.release)
  } catch (error) {
    if (process.env.REQUIRE_PGBOUNCER === '1') throw error
    console.error(`skipping: there is no PgBouncer (${(error as Error).message.split('\n')[0]})`)
    return test.skip()
  }
  return startPgbouncer(serverUrl, options)
}

/** Command to run, and its environment. */
async function programOf(release: PgbouncerRelease = '1.18'): Promise<{ command: string[]; env: Record<string, string> }> {
  const { packages, from } = RELEASES[release]
  const folder = await unpacked(from ? `pgbouncer-${release}` : 'pgbouncer', packages, from)
  const [program, libraries] = [join(folder, 'usr/sbin/pgbouncer'), join(folder, LIBRARIES)]
  return from
    ? { command: [join(folder, LOADER), '--library-path', libraries, program], env: {} }
    : { command: [program], env: { LD_LIBRARY_PATH: libraries } }
}

/** Like `pgbouncer`, but throws instead of skipping. */
export async function startPgbouncer(
  serverUrl: string,
  { mode, release, size = 60, settings = {} }: PgbouncerOptions,
): Promise<Pgbouncer> {
  const { command, env } = await programOf(release)
  const server = new URL(serverUrl)
  const [user, password] = [server.username, server.password].map(decodeURIComponent) as [string, string]
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'vidwiz-pgbouncer-'))
  chmodSync(folder, 0o755)
  const [users, config] = [join(folder, 'users.txt'), join(folder, 'pgbouncer.ini')]
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
  writeFileSync(users, `${quoted(user)} ${quoted(password)}\n`)
  const write = (mode: PoolMode) =>
    writeFileSync(
      config,
      [
        '[databases]',
        `* = host=${server.hostname} port=${server.port}`,
        '[pgbouncer]',
        'listen_addr = 127.0.0.1',
        `listen_port = ${port}`,
        'unix_socket_dir =',
        'auth_type = scram-sha-256',
        `auth_file = ${users}`,
        // For roles created later.
        `auth_user = ${user}`,
        `admin_users = ${user}`,
        `pool_mode = ${mode}`,
        `default_pool_size = ${size}`,
        'max_client_conn = 1000',
        // As recommended in the runbook: by default it refuses clients for up to 15 s after the server is back.
        'server_login_retry = 1',
        ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
        '',
      ].join('\n'),
    )
  write(mode)
  const child = spawn(command[0]!, [...command.slice(1), '-q', config], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}),
  })
  let said = ''
  child.stderr!.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-2_000)
  })
  const through = (databaseUrl: string) => {
    const url = new URL(databaseUrl)
    url.host = `127.0.0.1:${port}`
    return url.href
  }
  const administer = async (statement: string) => {
    const url = new URL(through(serverUrl))
    url.pathname = '/pgbouncer'
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    await client.query(statement).finally(() => client.end())
  }
  const until = Date.now() + START_MS
  while (true) {
    try {
      await administer('show version')
      break
    } catch (error) {
      if (child.exitCode !== null || Date.now() > until) {
        await end(child)
        throw new Error(`PgBouncer does not run: ${said || (error as Error).message}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  return {
    through,
    direct(url) {
      const direct = new URL(url)
      direct.host = server.host
      return direct.href
    },
    renew: (database) => administer(`reconnect ${database}`),
    async setMode(mode) {
      write(mode)
      await administer('reload')
    },
    async stop() {
      await end(child)
      rmSync(folder, { recursive: true })
    },
  }
}

async function end(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM') // ends at once, even with clients connected
  await gone
}
