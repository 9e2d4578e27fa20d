import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { mayEnter } from './account.ts'
import { EmbeddedPostgresError } from './error.ts'
import { type Account, runProgram } from './program.ts'

export const USER = 'vidwiz'

/** Holds root's clusters and binaries when the server's account cannot enter the data folder. */
const ROOT_STORE = '/var/lib/vidwiz'
const UNFINISHED = 'unfinished-'

const exists = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined

/**
 * The cluster's folder of a data folder, links resolved; undefined when there is none yet.
 * @throws EmbeddedPostgresError when the cluster is missing: starting an empty one instead would look like total data loss
 */
export function clusterOf(dataDir: string): string | undefined {
  const link = join(dataDir, 'postgres')
  if (!exists(link)) return undefined
  const cluster = statSync(link, { throwIfNoEntry: false }) && realpathSync(link)
  if (!cluster || !exists(join(cluster, 'PG_VERSION'))) {
    const where = cluster ?? readlinkSync(link)
    throw new EmbeddedPostgresError(`The database ${where} is gone: bring it back, or remove ${link} to begin with an empty one`)
  }
  return cluster
}

/** @throws EmbeddedPostgresError when another major version of Postgres wrote the cluster, or the account cannot reach it */
export function checkCluster(cluster: string, version: string, account: Account) {
  const [written, ours] = [readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim(), version.split('.')[0]]
  if (written !== ours) {
    throw new EmbeddedPostgresError(
      `The database ${cluster} was written by Postgres ${written} and this is ${ours}: dump it there, restore it here`,
    )
  }
  if (!mayEnter(cluster, account)) {
    throw new EmbeddedPostgresError(
      `User ${account?.uid ?? process.getuid?.()} cannot enter ${cluster}: open the folders above it`,
    )
  }
}

/** The folder of root's clusters and binaries: the server's account can enter it, only root can write to it. */
export function rootStore(): string {
  try {
    mkdirSync(ROOT_STORE, { recursive: true })
  } catch (error) {
    throw new EmbeddedPostgresError(
      `${ROOT_STORE} cannot be made (${(error as Error).message}): start as another user than root, or set DB_URL`,
    )
  }
  const stat = lstatSync(ROOT_STORE)
  if (!stat.isDirectory() || stat.uid !== 0 || stat.mode & 0o022) {
    throw new EmbeddedPostgresError(
      `${ROOT_STORE} must be a folder that root owns and nobody else can write: correct or remove it`,
    )
  }
  chmodSync(ROOT_STORE, 0o755) // the umask may have removed permissions
  return ROOT_STORE
}

/**
 * Creates an empty cluster and publishes it as `<dataDir>/postgres`: the folder itself, or a link when the account cannot
 * enter the data folder. The cluster appears atomically: never half-made after a kill, and only once when two processes create it.
 * @returns the folder of the cluster, links resolved
 */
export async function createCluster(dataDir: string, bin: string, account: Account, password: string): Promise<string> {
  const place = join(dataDir, 'postgres')
  const inPlace = mayEnter(dataDir, account)
  const store = inPlace ? dataDir : rootStore()
  sweep(store)
  const work = mkdtempSync(join(store, UNFINISHED))
  try {
    if (account) chownSync(work, account.uid, account.gid)
    const fresh = join(work, 'cluster')
    await initialise(fresh, bin, account, password)
    if (inPlace) renameSync(fresh, place)
    else {
      const home = join(store, randomUUID())
      renameSync(fresh, home)
      try {
        symlinkSync(home, place)
      } catch (error) {
        rmSync(home, { recursive: true })
        throw error
      }
    }
  } catch (error) {
    if (!exists(place)) throw error // otherwise another process was first
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return realpathSync(place)
}

/** Removes what killed processes left half-made. Creating a cluster takes far less than an hour. */
function sweep(store: string) {
  for (const name of readdirSync(store).filter((name) => name.startsWith(UNFINISHED))) {
    const path = join(store, name)
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Number.POSITIVE_INFINITY }
    if (mtimeMs < Date.now() - 3_600_000) rmSync(path, { recursive: true, force: true })
  }
}

async function initialise(cluster: string, bin: string, account: Account, password: string) {
  const passwordFile = `${cluster}.password`
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  if (account) chownSync(passwordFile, account.uid, account.gid)
  const args = ['--pgdata', cluster, '--username', USER, '--pwfile', passwordFile, '--auth=scram-sha-256', '--encoding=UTF8']
  // C.UTF-8 sorts by code point as C does, and also knows upper and lower case beyond ASCII.
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  await runProgram(join(bin, 'initdb'), [...args, ...locale, '--no-instructions'], { account })
}

/** Sets a new password without the old one, in single-user mode. The server must not run. */
export async function resetPassword(cluster: string, bin: string, account: Account, password: string) {
  const input = `alter role ${USER} password '${password.replaceAll("'", "''")}'\n`
  await runProgram(join(bin, 'postgres'), ['--single', '-D', cluster, 'postgres'], { account, input })
}

/** Removes a data folder's cluster, also when it is a link to another folder. */
export function removeCluster(dataDir: string) {
  const place = join(dataDir, 'postgres')
  if (statSync(place, { throwIfNoEntry: false })) rmSync(realpathSync(place), { recursive: true, force: true })
  rmSync(place, { force: true, recursive: true })
}
