import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { identity } from '../../processes.ts'

/** What is kept beside the cluster from start to start: the port, and which process answers for the server. */
export type State = { port?: number; supervisor?: string }

const file = (dataDir: string) => join(dataDir, 'postgres.json')

export function remembered(dataDir: string): State {
  try {
    return JSON.parse(readFileSync(file(dataDir), 'utf8'))
  } catch {
    return {} // never started, or cut short: nothing in it that cannot be chosen anew
  }
}

const thisProcess = identity(process.pid)

/** From now on this process answers for the server. */
export function supervise(dataDir: string, port: number) {
  const unfinished = `${file(dataDir)}.${process.pid}`
  writeFileSync(unfinished, `${JSON.stringify({ port, supervisor: thisProcess } satisfies State)}\n`)
  renameSync(unfinished, file(dataDir))
}

/** The pid of the process that answers for the server, when it is another one and alive. */
export function otherSupervisor(dataDir: string): number | undefined {
  const { supervisor } = remembered(dataDir)
  if (supervisor === undefined || supervisor === thisProcess) return undefined
  const pid = Number(supervisor.split('@')[0])
  return identity(pid) === supervisor ? pid : undefined
}
