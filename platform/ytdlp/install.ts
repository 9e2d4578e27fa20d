import { createHash, randomUUID } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { dataFolder } from '../config/data-folder.ts'
import { withFileLock } from '../file-lock.ts'
import { Trouble } from '../trouble.ts'
import { installerEnvironment, ytDlpEnvironment } from './environment.ts'
import { type Bounds, type Ended, runProgram } from './program.ts'
import { compareVersions, findPython, isAtLeast, OLDEST_PYTHON, type Python, type PythonSearch } from './python.ts'

/** A yt-dlp that can be run. */
export interface YtDlp {
  path: string
  version: string
}

export interface InstallOptions {
  /** The data folder of this installation. */
  data: string
  /** Told once the installing begins. */
  onInstall?(version: string): void
  signal?: AbortSignal
  env?: NodeJS.ProcessEnv
}

const project = join(import.meta.dirname, 'project')
const requirements = join(project, 'requirements.txt')
const lock = readFileSync(requirements, 'utf8')

/** The version that the lock has. */
export const PINNED_VERSION = /^yt-dlp==([\d.]+)/m.exec(lock)![1]!
/** What an installation that follows the lock to the letter is called by. */
const PINNED = createHash('sha256').update(lock).digest('hex').slice(0, 8)
const UPDATED = 'updated'

/** The first that takes a JavaScript runtime by its path; what is older cannot read YouTube. */
const OLDEST_GIVEN = '2025.11.12'

const INSTALL_MS = 300_000
const VERSION_MS = 30_000
const LEFT_BEHIND_MS = 3_600_000

/** Where the installations and the breaker lie. */
export function ytDlpFolder(data: string): string {
  const folder = join(dataFolder(data), 'yt-dlp')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

/**
 * The yt-dlp of this installation: the newest one there, at least the pinned one, which is installed if need be. Who comes while
 * another one installs waits for it.
 * @throws Trouble saying what to do, when there is no Python, or none of the ways to install works
 */
export async function installedYtDlp(options: InstallOptions): Promise<YtDlp> {
  const { data, signal, env } = options
  const folder = ytDlpFolder(data)
  const python = pythonOf(await knownPython(env))
  const ready = readyIn(folder, python)
  if (ready) return ready
  return withFileLock(
    join(folder, 'installing'),
    async () => {
      const others = readyIn(folder, python)
      if (others) return others
      options.onInstall?.(PINNED_VERSION)
      sweep(folder)
      return install(folder, python, options, ['--require-hashes', '-r', requirements], PINNED)
    },
    signal,
  )
}

/** It is asked for before every task, and seldom changes. */
const PYTHON_KNOWN_MS = 600_000
let known: { python: PythonSearch; path: string | undefined; until: number } | undefined

async function knownPython(env: NodeJS.ProcessEnv = process.env): Promise<PythonSearch> {
  if (known && known.path === env.PATH && Date.now() < known.until) return known.python
  const python = await findPython(env)
  // One that is missing is looked for each time.
  known = python.found && { python, path: env.PATH, until: Date.now() + PYTHON_KNOWN_MS }
  return python
}

/** Which yt-dlp would be used now; undefined when none is installed. Installs nothing. */
export async function readyYtDlp(data: string, env: NodeJS.ProcessEnv = process.env): Promise<YtDlp | undefined> {
  const { found } = await findPython(env)
  return found && readyIn(ytDlpFolder(data), found)
}

/**
 * Installs the newest yt-dlp there is, for YouTube may have changed since the lock was made. It is used from the next task on,
 * until a lock of ours has a newer one.
 * @throws Trouble when that does not work
 */
export async function updateYtDlp(options: InstallOptions): Promise<YtDlp> {
  const folder = ytDlpFolder(options.data)
  const python = pythonOf(await findPython(options.env))
  return withFileLock(
    join(folder, 'installing'),
    () => install(folder, python, options, ['--upgrade', 'yt-dlp[default,curl-cffi]'], UPDATED),
    options.signal,
  )
}

/**
 * A yt-dlp that somebody else looks after (YTDLP_PATH).
 * @throws Trouble when it cannot be run or is too old
 */
export async function givenYtDlp(path: string, signal?: AbortSignal): Promise<YtDlp> {
  const version = await versionOf(path, { signal })
  if (!version) throw new Trouble(`YTDLP_PATH ${path} cannot be run as yt-dlp: set it to one that can, or unset it`)
  if (!isAtLeast(version, OLDEST_GIVEN))
    throw new Trouble(`YTDLP_PATH ${path} is yt-dlp ${version}, too old for YouTube: at least ${OLDEST_GIVEN}, or unset it`)
  return { path, version }
}

/** In one line: what is missing and what to do. */
function pythonOf({ found, tooOld }: PythonSearch): Python {
  if (found) return found
  const seen = tooOld.length > 0 ? ` (found: ${tooOld.join(', ')})` : ''
  throw new Trouble(
    `no Python ${OLDEST_PYTHON} or later${seen}, which yt-dlp runs on: install python3 and python3-venv (or uv, or set YTDLP_PATH)`,
  )
}

/** Native modules belong to one Python on one kind of machine. */
const suffixOf = (python: Python) => `py${python.version}-${process.platform}-${process.arch}`

function readyIn(folder: string, python: Python): YtDlp | undefined {
  const ours = readdirSync(folder).flatMap((name) => {
    const [, version, suffix, origin] = /^([\d.]+)-(py[\d.]+-\w+-\w+)-(\w+)$/.exec(name) ?? []
    const isUsable = version && suffix === suffixOf(python) && (origin === UPDATED || origin === PINNED)
    return isUsable && isAtLeast(version, PINNED_VERSION) ? [{ version, origin, path: join(folder, name, 'yt-dlp') }] : []
  })
  const newest = ours
    .filter(({ path }) => runsOn(path, python))
    .sort((a, b) => compareVersions(b.version, a.version) || (a.origin === PINNED ? -1 : 1))
  return newest[0] && { path: newest[0].path, version: newest[0].version }
}

/** Whether it was made for this very Python, which may have been replaced by another of the same version. */
const runsOn = (path: string, python: Python) => existsSync(path) && readFileSync(path, 'utf8') === launcher(python)

/** Its folder may be moved: only the path of Python is fixed. */
const launcher = ({ path }: Python) => `#!/bin/sh\nexec '${path.replaceAll("'", "'\\''")}' -I "\${0%/*}/main.py" "$@"\n`

/** Makes an installation beside the others; it gets its name once it is whole and runs. */
async function install(
  folder: string,
  python: Python,
  { env, signal }: InstallOptions,
  what: string[],
  origin: string,
): Promise<YtDlp> {
  const unfinished = join(folder, `unfinished-${randomUUID()}`)
  mkdirSync(unfinished, { mode: 0o700 })
  try {
    const bounds = { env: installerEnvironment(env), timeoutMs: INSTALL_MS, signal }
    await installInto(unfinished, python, what, bounds)
    cpSync(join(project, 'main.py'), join(unfinished, 'main.py'))
    const program = join(unfinished, 'yt-dlp')
    writeFileSync(program, launcher(python))
    chmodSync(program, 0o755)
    const version = await versionOf(program, { signal })
    if (!version) throw new Trouble('yt-dlp was installed but does not run: see `npx vidwiz doctor`')
    const whole = join(folder, `${version}-${suffixOf(python)}-${origin}`)
    replace(unfinished, whole, python)
    return { path: join(whole, 'yt-dlp'), version }
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

/** Somebody may have made the same meanwhile: it stays if it can be used, for it may be running. */
function replace(unfinished: string, whole: string, python: Python) {
  if (existsSync(whole) && !runsOn(join(whole, 'yt-dlp'), python)) renameSync(whole, `${unfinished}-old`)
  try {
    renameSync(unfinished, whole)
  } catch (error) {
    if (!existsSync(whole)) throw error
  }
  rmSync(`${unfinished}-old`, { recursive: true, force: true })
}

/** All ways end in the same: packages in a folder, found by main.py. A way that does not work says why, and the next one is tried. */
async function installInto(folder: string, python: Python, what: string[], bounds: Bounds) {
  const lib = join(folder, 'lib')
  const common = ['--target', lib, '--only-binary', ':all:']
  const pip = (program: string) =>
    runProgram(
      program,
      ['-I', '-m', 'pip', 'install', ...common, '--no-input', '--disable-pip-version-check', '--quiet', ...what],
      bounds,
    )
  const ways: [name: string, run: () => Promise<Ended>][] = [
    [
      'uv',
      () =>
        runProgram(
          'uv',
          [
            'pip',
            'install',
            '--python',
            python.path,
            ...common,
            '--no-config',
            '--no-python-downloads',
            '--compile-bytecode',
            ...what,
          ],
          bounds,
        ),
    ],
    ['pip', () => pip(python.path)],
    [
      // Where Python comes without pip it may still bring one for its virtual environments.
      'venv',
      async () => {
        const venv = join(folder, 'venv')
        const made = await runProgram(python.path, ['-I', '-m', 'venv', venv], bounds)
        const ended = made.code === 0 ? await pip(join(venv, 'bin', 'python')) : made
        rmSync(venv, { recursive: true, force: true })
        return ended
      },
    ],
  ]
  const failures: string[] = []
  for (const [name, run] of ways) {
    const { code, stdout, stderr } = await run()
    if (code === 0) return
    bounds.signal?.throwIfAborted()
    rmSync(lib, { recursive: true, force: true })
    failures.push(`${name}: ${lastLine(stderr) || lastLine(stdout) || 'took too long'}`)
  }
  throw new Trouble(`yt-dlp could not be installed (${failures.join('; ')}): mend one of these ways, or set YTDLP_PATH`)
}

const lastLine = (text: string) => text.trim().split('\n').at(-1)!.trim().slice(0, 200)

async function versionOf(program: string, { signal }: { signal?: AbortSignal }): Promise<string | undefined> {
  const { code, stdout } = await runProgram(program, ['--ignore-config', '--version'], {
    env: ytDlpEnvironment(),
    timeoutMs: VERSION_MS,
    signal,
  })
  return code === 0 ? /^\d{4}(\.\d+)+/.exec(stdout)?.[0] : undefined
}

/** Removes what older versions of ours installed, and what was left behind unfinished. */
function sweep(folder: string) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const isOld = /^[\d.]+-py/.test(name) && !isAtLeast(name.split('-')[0]!, PINNED_VERSION)
    const isLeft = name.startsWith('unfinished-') && Date.now() - statSync(path).mtimeMs > LEFT_BEHIND_MS
    if (isOld || isLeft) rmSync(path, { recursive: true, force: true })
  }
}
