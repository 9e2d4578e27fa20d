import { spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../processes.ts'
import { accepts } from './client.ts'
import { resetPassword } from './cluster.ts'
import { EmbeddedPostgresError } from './error.ts'
import { postmasterOf, stopPostmaster, voidStalePidFile } from './postmaster.ts'
import { type Account, complaint, environment } from './program.ts'
import { serverArguments } from './settings.ts'
import { otherSupervisor, recordStart, remembered, supervise } from './state.ts'

export type Server = {
  dataDir: string
  cluster: string
  /** The folder of Postgres's programs. */
  bin: string
  account: Account
  password: string
  log: (line: string) => void
}

export type Running = { pid: number; port: number; reused: boolean }

/** Generous, because after a crash the server first replays its WAL, at most about max_wal_size. */
const READY_MS = 10 * 60_000
/** How long a start is retried after failures that pass by themselves. */
const RETRY_MS = 30_000
const LOG_BYTES = 10_000_000

/**
 * Makes sure that the server runs: takes over a running server or starts one.
 * @param port the required port; if not given, the port used last, or any free one
 * @throws EmbeddedPostgresError when it does not start, or runs for another process and rejects the password
 */
export async function up(server: Server, port?: number): Promise<Running> {
  recordStart(server.dataDir)
  const adopted = await adopt(server)
  if (adopted) return adopted
  const launched = await launch(server, port)
  if (launched.reused || (await accepts(launched.port, server.password))) return launched
  server.log('giving the database its new password')
  await stopPostmaster(launched.pid, server.cluster)
  await resetPassword(server.cluster, server.bin, server.account, server.password)
  return launch(server, launched.port)
}

/** Takes over a server that was left running if it answers; stops it if it does not. */
async function adopt({ dataDir, cluster, password, log }: Server): Promise<Running | undefined> {
  // The server may be starting or stopping.
  await until(() => postmasterOf(cluster)?.ready ?? true, READY_MS)
  const found = postmasterOf(cluster)
  if (!found) return undefined
  const other = otherSupervisor(dataDir)
  const healthy = found.ready && (await accepts(found.port, password).catch(() => false))
  if (healthy) {
    if (other === undefined) supervise(dataDir, found.port)
    return { ...found, reused: true }
  }
  if (other !== undefined) {
    throw new EmbeddedPostgresError(
      `Process ${other} runs the database of ${dataDir}, and it refuses our password: stop that process first`,
    )
  }
  log('a database server was left behind and does not answer: stopping it')
  await stopPostmaster(found.pid, cluster)
  return undefined
}

async function launch(server: Server, wantedPort?: number): Promise<Running> {
  const { dataDir, cluster } = server
  const giveUp = performance.now() + RETRY_MS
  let port = wantedPort ?? (await freePort(remembered(dataDir).port))
  for (;;) {
    const { pid, said } = await attempt(server, port)
    if (pid !== undefined) {
      supervise(dataDir, port)
      return { pid, port, reused: false }
    }
    await pause(100)
    if (/could not bind/.test(said)) {
      port = wantedPort ?? (await freePort())
    } else if (/lock file .* (already exists|is empty)/.test(said)) {
      const adopted = await adopt(server) // another process started it first
      if (adopted) return adopted
      voidStalePidFile(cluster)
    } else if (!/shared memory block .* in use/.test(said)) {
      // Backends of a killed server hold that shared memory until they notice its end, so that error is retried.
      throw new EmbeddedPostgresError(`The database server does not start: ${complaint(said)} (more in ${logFile(dataDir)})`)
    }
    if (performance.now() > giveUp) throw new EmbeddedPostgresError(`The database server does not start: ${complaint(said)}`)
  }
}

/** Tries one start. @returns the pid of a ready server, or the output of one that failed */
async function attempt(
  { dataDir, cluster, bin, account }: Server,
  port: number,
): Promise<{ pid?: number | undefined; said: string }> {
  rotate(logFile(dataDir))
  const log = openSync(logFile(dataDir), 'a+', 0o600)
  try {
    const before = fstatSync(log).size
    const child = spawn(join(bin, 'postgres'), serverArguments(cluster, port), {
      ...account,
      cwd: '/',
      env: environment(),
      // A file, because a pipe would end with this process. Detached, so that Ctrl-C in the terminal reaches only this process.
      stdio: ['ignore', log, log],
      detached: true,
    })
    let failed = ''
    let ended = false
    child.on('exit', () => (ended = true))
    child.on('error', (error) => {
      failed = error.message
      ended = true
    })
    child.unref()
    const ready = () => {
      const postmaster = postmasterOf(cluster)
      return postmaster?.pid === child.pid && postmaster?.ready
    }
    await until(() => ended || (ready() ?? false), READY_MS)
    if (!ended && ready()) return { pid: child.pid, said: '' }
    if (!ended) child.kill('SIGQUIT')
    return { said: failed || written(log, before) || 'it was not ready in time' }
  } finally {
    closeSync(log)
  }
}

const logFile = (dataDir: string) => join(dataDir, 'postgres.log')

/** Rotates a log that has grown too large; keeps one old log. */
function rotate(file: string) {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES) renameSync(file, `${file}.1`)
}

function written(log: number, from: number): string {
  const buffer = Buffer.alloc(fstatSync(log).size - from)
  readSync(log, buffer, 0, buffer.length, from)
  return buffer.toString()
}

/** The wanted port if it is free, otherwise any free port. */
function freePort(wanted = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error) => (wanted ? resolve(freePort()) : reject(error)))
    probe.listen(wanted, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
