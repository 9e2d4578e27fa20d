import { spawnSync } from 'node:child_process'
import { EmbeddedPostgresError } from './error.ts'
import { type Account, environment } from './program.ts'

const says = (command: string, ...args: string[]) => {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', env: environment() })
  return status === 0 ? stdout.trim() : undefined
}

/** Looks a user up through `id`, which knows directory services as well as /etc/passwd. */
export function accountNamed(name: string): Account {
  const [uid, gid] = [says('id', '-u', name), says('id', '-g', name)]
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined
}

/** Makes a system user without a home or a login, by whichever tool the machine has. */
export function createSystemUser(name: string): Account {
  says('useradd', '--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', name) ??
    says('adduser', '-S', '-D', '-H', '-s', '/sbin/nologin', name)
  return accountNamed(name)
}

/**
 * Postgres refuses to run as root: root lends it another account. A cluster that exists decides by its owner, so that
 * it can be opened by root as well as by the user who made it.
 * @param clusterOwner who owns the cluster's folder, if there is one
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

/** Whether that account may go into a folder: asked of the kernel, which also knows ACLs. */
export const mayEnter = (folder: string, account: Account): boolean =>
  spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...account, cwd: '/', env: environment(), stdio: 'ignore' }).status ===
  0
