import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandLine, until } from '../../processes.ts'
import { EmbeddedPostgresError } from './error.ts'

/** The server's main process, read from its pid file. */
export type Postmaster = { pid: number; port: number; ready: boolean }

const pidFile = (cluster: string) => join(cluster, 'postmaster.pid')

const linesOf = (cluster: string): string[] | undefined => {
  try {
    return readFileSync(pidFile(cluster), 'utf8').split('\n')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** True when the process is a Postgres on this cluster, and not another process that reuses its pid. */
export const serves = (pid: number, cluster: string): boolean => commandLine(pid)?.includes(`/postgres -D ${cluster} `) ?? false

/** The server that runs on a cluster, if one does. */
export function postmasterOf(cluster: string): Postmaster | undefined {
  const lines = linesOf(cluster)
  const pid = Number(lines?.[0])
  if (!lines || !(pid > 0) || !serves(pid, cluster)) return undefined
  return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' }
}

/**
 * Invalidates a pid file that a crash left behind. Postgres replaces such a file itself, after checking for surviving backends,
 * but refuses to start when another process now has that pid. Writing this process's pid, which is Postgres's parent, makes it treat
 * the file as stale and still do the check. Call this only after a start was refused, when no other process is starting a server.
 */
export function voidStalePidFile(cluster: string) {
  const lines = linesOf(cluster)
  if (lines && !postmasterOf(cluster)) writeFileSync(pidFile(cluster), [process.pid, ...lines.slice(1)].join('\n'))
}

/**
 * Stops a server with a fast shutdown: it rolls back open transactions and writes a checkpoint. Escalates to SIGQUIT and SIGKILL when
 * that takes too long; committed data is safe in any case.
 * @throws EmbeddedPostgresError when it does not stop
 */
export async function stopPostmaster(pid: number, cluster: string) {
  for (const [signal, patienceMs] of [
    ['SIGINT', 30_000],
    ['SIGQUIT', 10_000],
    ['SIGKILL', 5_000],
  ] as const) {
    if (!serves(pid, cluster)) return
    process.kill(pid, signal)
    if (await until(() => !serves(pid, cluster), patienceMs)) return
  }
  throw new EmbeddedPostgresError(`The database server (process ${pid}) does not stop`)
}
