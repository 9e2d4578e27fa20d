import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { identity } from '../../processes.ts'
import type { Ports } from './server-properties.ts'

/** State of a data folder between starts: the cluster's id, its ports, and the process that supervises the brokers. */
export type State = { clusterId: string; ports: Ports[]; supervisor?: string | undefined }

const file = (dataDir: string) => join(dataDir, 'kafka.json')

/** The state of a folder; a new cluster's state if there is none. */
export function remembered(dataDir: string): State {
  try {
    return JSON.parse(readFileSync(file(dataDir), 'utf8'))
  } catch {
    return { clusterId: newClusterId(), ports: [] }
  }
}

/** Saves the state of a folder, atomically. */
export function remember(dataDir: string, state: State) {
  mkdirSync(dataDir, { recursive: true })
  const unfinished = `${file(dataDir)}.${process.pid}`
  writeFileSync(unfinished, `${JSON.stringify(state)}\n`)
  renameSync(unfinished, file(dataDir))
}

export const thisProcess = identity(process.pid)

/** The pid of the brokers' supervisor, if that is another living process. */
export function otherSupervisor({ supervisor }: State): number | undefined {
  if (supervisor === undefined || supervisor === thisProcess) return undefined
  const pid = Number(supervisor.split('@')[0])
  return identity(pid) === supervisor ? pid : undefined
}

/** A UUID in base64, as Kafka creates them. Kafka's command line would take an id that begins with a dash for an option. */
function newClusterId(): string {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? newClusterId() : id
}
