import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keptSecrets } from '../../config/secrets.ts'
import { identity } from '../../processes.ts'

/** The process that serves a folder, and its port. */
export interface State {
  port: number
  server: string
}

/** The folder of S3 and SQS in a data folder; created if missing. */
export function awsFolder(data: string): string {
  const folder = join(data, 'aws')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

const file = (data: string) => join(data, 'aws', 'server.json')

const thisProcess = identity(process.pid)

/** Records that this process serves the folder. */
export function serves(data: string, port: number) {
  const unfinished = `${file(data)}.${process.pid}`
  writeFileSync(unfinished, `${JSON.stringify({ port, server: thisProcess })}\n`)
  renameSync(unfinished, file(data))
}

/** Undefined when the folder has never been served, or the file is damaged. */
function stateOf(data: string): State | undefined {
  try {
    return JSON.parse(readFileSync(file(data), 'utf8'))
  } catch {
    return undefined
  }
}

/** The port on which the folder was last served. */
export const lastPortOf = (data: string): number | undefined => stateOf(data)?.port

/** The process that serves the folder, if it is alive. */
export function serverOf(data: string): { pid: number; port: number; isThisOne: boolean } | undefined {
  const state = stateOf(data)
  if (!state) return undefined
  const pid = Number(state.server?.split('@')[0])
  return identity(pid) === state.server ? { pid, port: state.port, isThisOne: state.server === thisProcess } : undefined
}

const KEYS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const

/**
 * The access keys of the S3 and SQS of a data folder, created if missing. Other users of this machine, and any page in a browser, can
 * reach the port too; only users who can read the data folder know the key id that the server requires.
 */
export const keysOf = (data: string): Record<(typeof KEYS)[number], string> =>
  keptSecrets(join(awsFolder(data), 'keys.json'), KEYS)
