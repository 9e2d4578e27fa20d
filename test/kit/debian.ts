import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { withFileLock } from '#platform/file-lock.ts'

const run = promisify(execFile)
const TOOLS = fileURLToPath(new URL('../../.tools', import.meta.url))

/** Runs `work` under a lock shared by all test runs, because apt-get does not wait for its own locks. */
export const withApt = <T>(work: () => Promise<T>): Promise<T> => withFileLock(join(tmpdir(), 'vidwiz-tests-apt.lock'), work)

/** Time limit for downloading from a slow mirror and unpacking. */
export const UNPACK_MS = 300_000

/**
 * Debian packages, unpacked beside the project if not there yet; nothing is installed.
 * @param name of the folder, which contains `usr` and so on
 * @param release Debian release of the packages, if not this machine's
 */
export async function unpacked(name: string, packages: readonly string[], release?: string): Promise<string> {
  const folder = join(TOOLS, name)
  mkdirSync(TOOLS, { recursive: true })
  if (!existsSync(folder))
    await withApt(async () => {
      if (!existsSync(folder)) await unpack(folder, packages, release)
    })
  return folder
}

async function unpack(folder: string, packages: readonly string[], release?: string) {
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(unfinished)
  try {
    const from = release ? await listsOf(release, unfinished) : []
    const fetch = () => run('apt-get', [...from, 'download', '-q', ...packages], { cwd: unfinished })
    // On a fresh machine the package lists are empty.
    await fetch().catch(async () => {
      await run('apt-get', [...from, 'update', '-q'])
      await fetch()
    })
    for (const file of readdirSync(unfinished).filter((name) => name.endsWith('.deb')))
      await run('dpkg', ['-x', join(unfinished, file), unfinished])
    rmSync(join(unfinished, APT), { recursive: true, force: true })
    renameSync(unfinished, folder)
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    throw error
  }
}

const APT = 'apt'

/** Options that make apt keep the lists of another release in a folder, apart from this machine's lists. */
async function listsOf(release: string, folder: string): Promise<string[]> {
  const apt = join(folder, APT)
  for (const name of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(apt, name), { recursive: true })
  writeFileSync(join(apt, 'sources.list'), `deb [signed-by=${KEYS}] ${await mirror()} ${release} main\n`)
  const options = {
    'Dir::Etc::sourcelist': join(apt, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(apt, 'lists'),
    'Dir::Cache': join(apt, 'cache'),
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
  }
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

/** Where this machine gets Debian from. Its lists may still be empty. */
async function mirror(): Promise<string> {
  const { stdout } = await run('apt-get', [
    'indextargets',
    '--no-release-info',
    '--format',
    '$(REPO_URI)',
    'Created-By: Packages',
  ])
  const found = stdout.split('\n').find((uri) => /\/debian\/?$/.test(uri))
  if (!found) throw new Error('apt has no source of Debian')
  return found
}

const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg'
