import { rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { serverAccount } from './account.ts'
import { nativePostgres, usableBinaries } from './binaries.ts'
import { ensureDatabase } from './client.ts'
import { checkCluster, clusterOf, createCluster, removeCluster, rootStore } from './cluster.ts'
import { postmasterOf, serves, stopPostmaster } from './postmaster.ts'
import { type Server, up } from './server.ts'
import { otherSupervisor } from './state.ts'

export { postgresUrl } from './client.ts'
export { EmbeddedPostgresError } from './error.ts'

export interface PostgresOptions {
  /** The folder that holds the cluster (or a link to it), its log and its port. It must exist. */
  dataDir: string
  /** Password of the user `vidwiz`, who owns everything. A cluster with another password is changed to this one. */
  password: string
  /** Receives messages for people, one line at a time. */
  log?: (line: string) => void
}

export interface EmbeddedPostgres {
  url: string
  port: number
  /** True when the server ran already: a killed process left it behind, or another process supervises it. */
  reused: boolean
  /** Shuts the server down, unless another living process supervises it. Takes bounded time; resolves when the server has ended. */
  stop(): Promise<void>
}

/** How often the supervisor checks that the server still runs. */
const WATCH_MS = 500

/**
 * Starts a real Postgres from npm binaries, or takes over the one that runs on this data folder, and keeps it running
 * until `stop()`: a server that dies is started again on the same port. For root it runs under another account.
 * @throws EmbeddedPostgresError
 */
export async function startPostgres({ dataDir, password, log = () => {} }: PostgresOptions): Promise<EmbeddedPostgres> {
  const server = await prepare(resolve(dataDir), password, log)
  let running = await up(server)
  const { port, reused } = running
  const url = await ensureDatabase(port, password)

  const stopping = new AbortController()
  const watcher = watch()

  async function watch() {
    while (!stopping.signal.aborted) {
      await pause(WATCH_MS, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted || serves(running.pid, server.cluster)) continue
      log('the database server ended by itself: starting it again')
      try {
        running = await up(server, port)
      } catch (error) {
        log((error as Error).message)
      }
    }
  }

  let stopped: Promise<void> | undefined
  async function stop() {
    stopping.abort()
    await watcher
    if (otherSupervisor(server.dataDir) === undefined) await stopPostmaster(running.pid, server.cluster)
  }

  return {
    url,
    port,
    reused,
    stop: () => {
      stopped ??= stop()
      return stopped
    },
  }
}

/** Prepares what a server needs before its first start: an account, binaries it can run, a cluster it can open. */
async function prepare(dataDir: string, password: string, log: (line: string) => void): Promise<Server> {
  const existing = clusterOf(dataDir)
  const account = serverAccount(existing ? statSync(existing) : undefined)
  const native = nativePostgres()
  const bin = usableBinaries(native, account, () => (account ? rootStore() : dataDir))
  if (existing) checkCluster(existing, native.version, account)
  const cluster = existing ?? (await createCluster(dataDir, bin, account, password))
  if (!existing) log(`made an empty database in ${cluster}`)
  return { dataDir, cluster, bin, account, password, log }
}

/** The embedded server that runs on a data folder, for commands that use a running VidWiz. */
export function runningPostgres(dataDir: string): { port: number } | undefined {
  const cluster = clusterOf(dataDir)
  const postmaster = cluster === undefined ? undefined : postmasterOf(cluster)
  return postmaster && { port: postmaster.port }
}

/** Stops the server of a data folder if no other living process supervises it. */
export async function stopOrphanedPostgres(dataDir: string) {
  const cluster = clusterOf(dataDir)
  const postmaster = cluster === undefined ? undefined : postmasterOf(cluster)
  if (cluster && postmaster && otherSupervisor(dataDir) === undefined) await stopPostmaster(postmaster.pid, cluster)
}

/** Stops the server of a data folder and deletes the database with all its data. */
export async function destroyPostgres(dataDir: string) {
  const cluster = clusterOf(dataDir)
  const postmaster = cluster === undefined ? undefined : postmasterOf(cluster)
  if (cluster && postmaster) await stopPostmaster(postmaster.pid, cluster)
  removeCluster(dataDir)
  for (const file of ['postgres.json', 'postgres.log']) rmSync(join(dataDir, file), { force: true })
}
