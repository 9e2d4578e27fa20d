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
import { OperatorError } from '../operator-error.ts'
import { type Bounds, type Ended, runProgram } from '../program.ts'
import { installerEnvironment } from './environment.ts'
import { compareVersions, findPython, isAtLeast, OLDEST_PYTHON, type Python, type PythonSearch } from './find.ts'
import { downloadOf } from './progress.ts'

/** A Python project of ours with packages pinned by a lock file with hashes. */
export interface LockedProject {
  /** Used in messages, and the name of its folder in the data folder. */
  name: string
  /** The name of the program in an installation. */
  program: string
  /** Path of the Python script that the program runs; it imports packages from `lib` beside itself. */
  main: string
  /** Path of the lock file, made by `uv pip compile --generate-hashes --universal`. */
  lock: string
  /** The version of the main package in the lock file. */
  version: string
  /** The version that a program reports; undefined when it does not run. */
  versionOf(program: string, signal?: AbortSignal): Promise<string | undefined>
  /** The setting for a program that the operator installs instead; named in error messages. */
  setting?: string
  /** How long an installation may take. */
  installMs: number
}

/** An installed program. */
export interface Installed {
  path: string
  version: string
}

export interface InstallOptions {
  /** The data folder of this installation. */
  data: string
  /** Called when an installation begins. */
  onInstall?(version: string): void
  /** Called for each package that is downloaded, with text such as `numpy, 16.1 MB`. */
  onProgress?(text: string): void
  signal?: AbortSignal
  env?: NodeJS.ProcessEnv
}

/** Origin of an installation of the newest packages instead of those in the lock file. */
const UPDATED = 'updated'
/** Origin of an installation from the lock file: a hash of the file. */
const originOf = ({ lock }: LockedProject) => createHash('sha256').update(readFileSync(lock)).digest('hex').slice(0, 8)

const LEFT_BEHIND_MS = 3_600_000
/** How long an installation of another lock file is kept: another VidWiz version that runs beside this one may use it. */
const OTHER_LOCK_MS = 30 * 24 * 3_600_000

/** The folder of a project's installations; created if missing. */
export function projectFolder(data: string, { name }: Pick<LockedProject, 'name'>): string {
  const folder = join(dataFolder(data), name)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

/**
 * The newest installation, at least the pinned version, which is installed if missing. Waits while another process installs it.
 * @throws OperatorError saying what to do, when there is no Python, or no way to install works
 */
export async function installed(project: LockedProject, options: InstallOptions): Promise<Installed> {
  const { data, signal, env } = options
  const folder = projectFolder(data, project)
  const python = pythonOf(await knownPython(env), project)
  const ready = readyIn(folder, python, project)
  if (ready) return ready
  return withFileLock(
    join(folder, 'installing'),
    async () => {
      const others = readyIn(folder, python, project)
      if (others) return others
      options.onInstall?.(project.version)
      sweep(folder, project)
      return install(folder, python, project, options, ['--require-hashes', '-r', project.lock], originOf(project))
    },
    signal,
  )
}

/** The found Python is cached, because it is needed before every task and seldom changes. */
const PYTHON_KNOWN_MS = 600_000
let known: { python: PythonSearch; path: string | undefined; until: number } | undefined

async function knownPython(env: NodeJS.ProcessEnv = process.env): Promise<PythonSearch> {
  if (known && known.path === env.PATH && Date.now() < known.until) return known.python
  const python = await findPython(env)
  // Only a found Python is cached; a missing one is looked for each time.
  known = python.found && { python, path: env.PATH, until: Date.now() + PYTHON_KNOWN_MS }
  return python
}

/** The installation that would be used now; undefined when there is none. Installs nothing. */
export async function ready(
  project: LockedProject,
  data: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Installed | undefined> {
  const { found } = await findPython(env)
  return found && readyIn(projectFolder(data, project), found, project)
}

/**
 * Installs the newest packages, regardless of the lock file. They are used from then on, until our lock file has newer ones.
 * @param packages in pip's syntax
 * @throws OperatorError when the installation fails
 */
export async function update(project: LockedProject, packages: string, options: InstallOptions): Promise<Installed> {
  const folder = projectFolder(options.data, project)
  const python = pythonOf(await findPython(options.env), project)
  return withFileLock(
    join(folder, 'installing'),
    () => install(folder, python, project, options, ['--upgrade', packages], UPDATED),
    options.signal,
  )
}

const orSet = ({ setting }: LockedProject) => (setting ? `, or set ${setting}` : '')

/** Returns the found Python. @throws OperatorError saying in one line what is missing and what to do */
function pythonOf({ found, tooOld }: PythonSearch, project: LockedProject): Python {
  if (found) return found
  const seen = tooOld.length > 0 ? ` (found: ${tooOld.join(', ')})` : ''
  throw new OperatorError(
    `no Python ${OLDEST_PYTHON} or later${seen}, which ${project.name} runs on: install python3 and python3-venv (or uv${orSet(project)})`,
  )
}

/** Native modules work only with one Python version on one platform. */
const suffixOf = (python: Python) => `py${python.version}-${process.platform}-${process.arch}`

interface Found extends Installed {
  origin: string
}

function readyIn(folder: string, python: Python, project: LockedProject): Installed | undefined {
  const pinned = originOf(project)
  const ours = readdirSync(folder).flatMap((name): Found[] => {
    const { version, suffix, origin } = partsOf(name) ?? {}
    const isUsable = version && suffix === suffixOf(python) && (origin === UPDATED || origin === pinned)
    if (!isUsable || !isAtLeast(version, project.version)) return []
    return [{ version, origin: origin!, path: join(folder, name, project.program) }]
  })
  const newest = ours
    .filter(({ path }) => runsOn(path, python))
    .sort((a, b) => compareVersions(b.version, a.version) || (a.origin === pinned ? -1 : 1))
  return newest[0] && { path: newest[0].path, version: newest[0].version }
}

/** Parses the name of an installation's folder. */
function partsOf(name: string) {
  const [, version, suffix, origin] = /^([\d.]+)-(py[\d.]+-\w+-\w+)-(\w+)$/.exec(name) ?? []
  return version ? { version, suffix, origin } : undefined
}

/** True when an installation was made for this Python program, and not for another one of the same version. */
const runsOn = (path: string, python: Python) => existsSync(path) && readFileSync(path, 'utf8') === launcher(python)

/** The launcher script of an installation. Only Python's path is absolute, so the folder can be moved. */
const launcher = ({ path }: Python) => `#!/bin/sh\nexec '${path.replaceAll("'", "'\\''")}' -I "\${0%/*}/main.py" "$@"\n`

/** Makes an installation beside the others; it gets its final name once it is complete and runs. */
async function install(
  folder: string,
  python: Python,
  project: LockedProject,
  { env, signal, onProgress }: InstallOptions,
  what: string[],
  origin: string,
): Promise<Installed> {
  const unfinished = join(folder, `unfinished-${randomUUID()}`)
  mkdirSync(unfinished, { mode: 0o700 })
  try {
    const onLine = (line: string) => {
      const download = onProgress && downloadOf(line)
      if (download) onProgress?.(download)
    }
    const bounds = { env: installerEnvironment(env), timeoutMs: project.installMs, signal, onLine }
    await installInto(unfinished, python, project, what, bounds)
    cpSync(project.main, join(unfinished, 'main.py'))
    const program = join(unfinished, project.program)
    writeFileSync(program, launcher(python))
    chmodSync(program, 0o755)
    const version = await project.versionOf(program, signal)
    if (!version) throw new OperatorError(`${project.name} was installed but does not run: see \`npx vidwiz doctor\``)
    const whole = join(folder, `${version}-${suffixOf(python)}-${origin}`)
    replace(unfinished, whole, python, project)
    return { path: join(whole, project.program), version }
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

/** Moves a finished installation to its name. A usable one that exists already stays, because it may be running. */
function replace(unfinished: string, whole: string, python: Python, { program }: LockedProject) {
  if (existsSync(whole) && !runsOn(join(whole, program), python)) renameSync(whole, `${unfinished}-old`)
  try {
    renameSync(unfinished, whole)
  } catch (error) {
    if (!existsSync(whole)) throw error
  }
  rmSync(`${unfinished}-old`, { recursive: true, force: true })
}

/** Installs the packages into the folder's `lib`, where main.py finds them. Tries uv, pip and venv in turn, and reports why each failed. */
async function installInto(folder: string, python: Python, project: LockedProject, what: string[], bounds: Bounds) {
  const lib = join(folder, 'lib')
  const common = ['--target', lib, '--only-binary', ':all:']
  const pip = (program: string) =>
    runProgram(
      program,
      ['-I', '-m', 'pip', 'install', ...common, '--no-input', '--disable-pip-version-check', '--progress-bar', 'off', ...what],
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
      // A Python without pip may still include one for virtual environments.
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
  throw new OperatorError(
    `${project.name} could not be installed (${failures.join('; ')}): fix one of these causes${orSet(project)}`,
  )
}

const lastLine = (text: string) => text.trim().split('\n').at(-1)!.trim().slice(0, 200)

/** Removes installations of older versions and other lock files, and unfinished installations left behind. */
function sweep(folder: string, project: LockedProject) {
  const kept = [originOf(project), UPDATED]
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const isOlderThan = (ms: number) => Date.now() - statSync(path).mtimeMs > ms
    const parts = partsOf(name)
    const isOld = parts && !isAtLeast(parts.version, project.version)
    const isOfOtherLock = parts && !kept.includes(parts.origin!) && isOlderThan(OTHER_LOCK_MS)
    const isLeft = name.startsWith('unfinished-') && isOlderThan(LEFT_BEHIND_MS)
    if (isOld || isOfOtherLock || isLeft) rmSync(path, { recursive: true, force: true })
  }
}
