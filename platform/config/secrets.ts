import { randomBytes, randomUUID } from 'node:crypto'
import { chmodSync, linkSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../operator-error.ts'

const NAMES = ['SECRET_KEY', 'ADMIN_TOKEN', 'PG_PASSWORD'] as const

/** Must never be logged, printed or stored anywhere else. */
export type Secrets = Record<(typeof NAMES)[number], string>

/** The file of secrets cannot be used. The message contains no secret. */
export class SecretsError extends OperatorError {
  readonly code = 'SECRETS'
  override name = 'SecretsError'
}

/**
 * The secrets of this installation: from the environment if set there, otherwise generated once and kept in the data folder, readable
 * only by its owner. Processes that start at the same time get the same secrets.
 * @param folder an existing data folder
 * @throws SecretsError when the file is damaged or cannot be read
 */
export function secrets(folder: string, env: NodeJS.ProcessEnv = process.env): Secrets {
  const kept = keptSecrets(join(folder, 'secrets.json'), NAMES)
  return mapNames(NAMES, (name) => env[name] || kept[name])
}

/**
 * The password of the page for operators, from the environment or generated once. It has its own file, because data folders older than
 * the page lack the password and must not count as damaged.
 * @param folder an existing data folder
 * @throws SecretsError when the file is damaged or cannot be read
 */
export const opsPassword = (folder: string, env: NodeJS.ProcessEnv = process.env): string =>
  env.OPS_PASSWORD || keptSecrets(join(folder, 'ops-password.json'), ['OPS_PASSWORD']).OPS_PASSWORD

/**
 * Secrets that are generated once and kept in a file that only its owner can read.
 * @throws SecretsError when the file is damaged or cannot be read
 */
export const keptSecrets = <N extends string>(file: string, names: readonly N[]): Record<N, string> =>
  read(file, names) ?? generate(file, names)

const mapNames = <N extends string>(names: readonly N[], value: (name: N) => string) =>
  Object.fromEntries(names.map((name) => [name, value(name)])) as Record<N, string>

function read<N extends string>(file: string, names: readonly N[]): Record<N, string> | undefined {
  let text: string
  try {
    if (statSync(file).mode & 0o077) chmodSync(file, 0o600)
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new SecretsError(`${file} cannot be read (${code})`)
  }
  const kept = parse(text) as Record<N, string> | undefined
  const missing = names.filter((name) => typeof kept?.[name] !== 'string' || kept[name] === '')
  // New secrets would lock out all users, so a person must decide that.
  if (!kept || missing.length > 0) {
    throw new SecretsError(`${file} is damaged (no ${missing.join(', ')}): bring it back, or remove it to have new secrets made`)
  }
  return kept
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined
  } catch {
    return undefined // the parser's message would quote the text
  }
}

/** Generates secrets. A hard link appears atomically and never replaces a file, so a second process reads the first one's secrets. */
function generate<N extends string>(file: string, names: readonly N[]): Record<N, string> {
  const unfinished = `${file}.${randomUUID()}`
  const fresh = mapNames(names, () => randomBytes(32).toString('base64url'))
  writeFileSync(unfinished, `${JSON.stringify(fresh, null, 2)}\n`, { mode: 0o600 })
  try {
    linkSync(unfinished, file)
    return fresh
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST') throw new SecretsError(`${file} cannot be made (${code})`)
    return read(file, names)!
  } finally {
    unlinkSync(unfinished)
  }
}
