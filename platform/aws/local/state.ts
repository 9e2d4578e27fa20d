import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keptSecrets } from '../../config/secrets.ts'
import { identity } from '../../processes.ts'

/** Which process serves a folder, and on which port. */
export interface State {
  port: number
  server: string
}

/** Everything of S3 and SQS in a data folder. */
export function awsFolder(data: string): string {
  const folder = join(data, 'aws')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

const file = (data: string) => join(data, 'aws', 'server.json')

const thisProcess = identity(process.pid)

/** From now on this process serves the folder. */
export function serves(data: string, port: number) {
  const unfinished = `${file(data)}.${process.pid}`
  writeFileSync(unfinished, `${JSON.stringify({ port, server: thisProcess })}\n`)
  renameSync(unfinished, file(data))
}

/** Undefined when nobody served the folder yet, or the file was cut short. */
function stateOf(data: string): State | undefined {
  try {
    return JSON.parse(readFileSync(file(data), 'utf8'))
  } catch {
    return undefined
  }
}

/** Where the folder was served last. */
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
 * The keys to the S3 and SQS of a data folder. Other people of this machine reach its ports too, and so does any page in a
 * browser: only who can read the data folder knows the id that the server asks for.
 */
export const keysOf = (data: string): Record<(typeof KEYS)[number], string> =>
  keptSecrets(join(awsFolder(data), 'keys.json'), KEYS)
