import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { shape } from './settings/chapters.ts'
import { BESIDE_THE_CODE } from './settings/machine.ts'

/** The repository's root, where `npx vidwiz` and `make` work. */
export const ROOT = resolve(fileURLToPath(new URL('../../', import.meta.url)))

/** Settings with which a command finds this process's data folder and log. Secret ones are never printed. */
const NEEDED = [
  'VIDWIZ_DATA',
  'DB_URL',
  'KAFKA_BROKERS',
  'KAFKA_PREFIX',
  'KAFKA_SSL',
  'KAFKA_SASL_PASSWORD',
  'SCHEMA_REGISTRY_URL',
] as const

const isSecret = (name: (typeof NEEDED)[number]) => shape[name].meta()?.secret === true

const COMMAND = /\b(npx vidwiz|make start)\b/g

/**
 * Rewrites the commands in a text so that they work when pasted into another terminal, from any working directory: each command gets
 * the settings with which it finds this process's data folder and log.
 *
 * @param text contains commands as `npx vidwiz …` and `make start`
 */
export function pasteable(text: string, env: NodeJS.ProcessEnv = process.env, folder = process.cwd()): string {
  const settings = assignments(env)
  const isHere = folder === ROOT || folder.startsWith(`${ROOT}/`)
  const programs: Record<string, string> = isHere
    ? {}
    : { 'npx vidwiz': quoted(`${ROOT}/bin/vidwiz`), 'make start': `make -C ${quoted(ROOT)} start` }
  return text.replace(COMMAND, (command) => [...settings, programs[command] ?? command].join(' '))
}

/** Names of the settings in this environment that a command needs, but that `pasteable` leaves out because they are secret. */
export const secretSettings = (env: NodeJS.ProcessEnv = process.env): string[] =>
  NEEDED.filter((name) => isSecret(name) && env[name])

function assignments(env: NodeJS.ProcessEnv): string[] {
  return NEEDED.flatMap((name) => {
    if (isSecret(name)) return []
    const value = name === 'VIDWIZ_DATA' ? env[name] && resolve(env[name]) : env[name]
    if (!value || value === BESIDE_THE_CODE || (name === 'SCHEMA_REGISTRY_URL' && value.includes('@'))) return []
    return [`${name}=${quoted(value)}`]
  })
}

/** Quotes a value for a shell if necessary. */
export const quoted = (value: string) => (/^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`)
