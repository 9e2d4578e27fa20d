import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandLine, until } from '../../processes.ts'
import { EmbeddedPostgresError } from './error.ts'

/** The server's main process, as its pid file tells. */
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

/** Whether the process is a Postgres on this very cluster, not another one that was given the same pid later. */
export const serves = (pid: number, cluster: string): boolean => commandLine(pid)?.includes(`/postgres -D ${cluster} `) ?? false

/** The server that runs on a cluster, if one does. */
export function postmasterOf(cluster: string): Postmaster | undefined {
  const lines = linesOf(cluster)
  const pid = Number(lines?.[0])
  if (!lines || !(pid > 0) || !serves(pid, cluster)) return undefined
  return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' }
}

/**
 * Postgres itself replaces a pid file that a crash left behind, after a look for backends that live on; only when some
 * other process was given that pid meanwhile it gives up. Naming this process, its parent, tells it that the pid is void
 * and leaves it the look. Only for a server that gave up: nobody else may be starting just now.
 */
export function voidStalePidFile(cluster: string) {
  const lines = linesOf(cluster)
  if (lines && !postmasterOf(cluster)) writeFileSync(pidFile(cluster), [process.pid, ...lines.slice(1)].join('\n'))
}

/**
 * Stops a server fast: open transactions are rolled back, everything is written down. Harsher when it takes too long;
 * what was committed is safe in any case.
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
