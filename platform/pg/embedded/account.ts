import { spawnSync } from 'node:child_process'
import { EmbeddedPostgresError } from './error.ts'
import { type Account, environment } from './program.ts'

const says = (command: string, ...args: string[]) => {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', env: environment() })
  return status === 0 ? stdout.trim() : undefined
}

/** Looks up a user with `id`, which also asks directory services, not only /etc/passwd. */
export function accountNamed(name: string): Account {
  const [uid, gid] = [says('id', '-u', name), says('id', '-g', name)]
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined
}

/** Creates a system user without home or login, with `useradd` or `adduser`. */
export function createSystemUser(name: string): Account {
  says('useradd', '--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', name) ??
    says('adduser', '-S', '-D', '-H', '-s', '/sbin/nologin', name)
  return accountNamed(name)
}

/**
 * Chooses the account of the server. Postgres refuses to run as root, so root starts it under another account. An existing cluster
 * keeps its owner, so that both root and the user who made it can open it.
 * @param clusterOwner owner of the cluster's folder, if there is one
 * @returns undefined when the server runs as this process's user
 * @throws EmbeddedPostgresError when the cluster belongs to another user, or no account can be made
 */
export function serverAccount(clusterOwner: { uid: number; gid: number } | undefined): Account {
  const uid = process.getuid?.()
  if (uid !== 0) {
    if (clusterOwner && clusterOwner.uid !== uid) {
      const message = `The database belongs to user ${clusterOwner.uid} and this process runs as user ${uid}: start it as that user or as root`
      throw new EmbeddedPostgresError(message)
    }
    return undefined
  }
  if (clusterOwner && clusterOwner.uid !== 0) return clusterOwner
  const account = accountNamed('postgres') ?? accountNamed('vidwiz') ?? createSystemUser('vidwiz') ?? accountNamed('nobody')
  if (!account)
    throw new EmbeddedPostgresError('Postgres does not run as root and no other user can be made: start as another user')
  return account
}

/** True when an account may enter a folder. Tries it, because the kernel also applies ACLs. */
export const mayEnter = (folder: string, account: Account): boolean =>
  spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...account, cwd: '/', env: environment(), stdio: 'ignore' }).status ===
  0
