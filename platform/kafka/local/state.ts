import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { identity } from '../../processes.ts'
import type { Ports } from './server-properties.ts'

/** What a data folder keeps from start to start: the cluster's name, its ports, and which process answers for the brokers. */
export type State = { clusterId: string; ports: Ports[]; supervisor?: string | undefined }

const file = (dataDir: string) => join(dataDir, 'kafka.json')

/** What is kept in a folder; the beginnings of a cluster when nothing is. */
export function remembered(dataDir: string): State {
  try {
    return JSON.parse(readFileSync(file(dataDir), 'utf8'))
  } catch {
    return { clusterId: newClusterId(), ports: [] }
  }
}

/** Written whole or not at all. */
export function remember(dataDir: string, state: State) {
  mkdirSync(dataDir, { recursive: true })
  const unfinished = `${file(dataDir)}.${process.pid}`
  writeFileSync(unfinished, `${JSON.stringify(state)}\n`)
  renameSync(unfinished, file(dataDir))
}

export const thisProcess = identity(process.pid)

/** The pid of the process that answers for a folder's brokers, when it is another one and alive. */
export function otherSupervisor({ supervisor }: State): number | undefined {
  if (supervisor === undefined || supervisor === thisProcess) return undefined
  const pid = Number(supervisor.split('@')[0])
  return identity(pid) === supervisor ? pid : undefined
}

/** As Kafka makes them: a UUID in base64. One that begins with a dash would be taken for an option on its command line. */
function newClusterId(): string {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? newClusterId() : id
}
