import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { identity } from '../../processes.ts'

/** State kept beside the cluster between starts: the port, and the process that supervises the server. */
export type State = { port?: number; supervisor?: string }

const file = (dataDir: string) => join(dataDir, 'postgres.json')

export function remembered(dataDir: string): State {
  try {
    return JSON.parse(readFileSync(file(dataDir), 'utf8'))
  } catch {
    return {} // never started, or the file is damaged: both values can be chosen again
  }
}

const thisProcess = identity(process.pid)

/** Records this process as the server's supervisor. */
export function supervise(dataDir: string, port: number) {
  write(dataDir, { port, supervisor: thisProcess })
}

/**
 * Records this process as supervisor before it starts the server, unless another living process is. Otherwise another process could
 * stop the new server as an orphan of a killed process.
 */
export function recordStart(dataDir: string) {
  if (otherSupervisor(dataDir) === undefined) write(dataDir, { ...remembered(dataDir), supervisor: thisProcess })
}

function write(dataDir: string, state: State) {
  const unfinished = `${file(dataDir)}.${process.pid}`
  writeFileSync(unfinished, `${JSON.stringify(state)}\n`)
  renameSync(unfinished, file(dataDir))
}

/** The pid of the server's supervisor, if that is another living process. */
export function otherSupervisor(dataDir: string): number | undefined {
  const { supervisor } = remembered(dataDir)
  if (supervisor === undefined || supervisor === thisProcess) return undefined
  const pid = Number(supervisor.split('@')[0])
  return identity(pid) === supervisor ? pid : undefined
}
