import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../operator-error.ts'
import { runProgram } from '../program.ts'
import { pythonEnvironment } from '../python/environment.ts'
import { isAtLeast } from '../python/find.ts'
import {
  type Installed,
  type InstallOptions,
  installed,
  type LockedProject,
  projectFolder,
  ready,
  update,
} from '../python/install.ts'

/** A yt-dlp that can be run. */
export type YtDlp = Installed

const folder = join(import.meta.dirname, 'project')
const lock = join(folder, 'requirements.txt')

/** The version in the lock file. */
export const PINNED_VERSION = /^yt-dlp==([\d.]+)/m.exec(readFileSync(lock, 'utf8'))![1]!

/** The first version that accepts the path of a JavaScript runtime; older ones cannot read YouTube. */
const OLDEST_GIVEN = '2025.11.12'

const VERSION_MS = 30_000

const project: LockedProject = {
  name: 'yt-dlp',
  program: 'yt-dlp',
  main: join(folder, 'main.py'),
  lock,
  version: PINNED_VERSION,
  versionOf,
  setting: 'YTDLP_PATH',
  installMs: 300_000,
}

/** The folder of the installations and of the breaker's state. */
export const ytDlpFolder = (data: string): string => projectFolder(data, project)

/**
 * The newest installed yt-dlp, at least the pinned version, which is installed if missing. Waits while another process installs it.
 * @throws OperatorError saying what to do, when there is no Python, or no way to install works
 */
export const installedYtDlp = (options: InstallOptions): Promise<YtDlp> => installed(project, options)

/** The yt-dlp that would be used now; undefined when none is installed. Installs nothing. */
export const readyYtDlp = (data: string, env?: NodeJS.ProcessEnv): Promise<YtDlp | undefined> => ready(project, data, env)

/**
 * Installs the newest yt-dlp, because YouTube may have changed since the lock file was made. It is used from the next task on, until
 * our lock file has a newer version.
 * @throws OperatorError when the installation fails
 */
export const updateYtDlp = (options: InstallOptions): Promise<YtDlp> => update(project, 'yt-dlp[default,curl-cffi]', options)

/**
 * A yt-dlp that the operator maintains (YTDLP_PATH).
 * @throws OperatorError when it cannot be run or is too old
 */
export async function givenYtDlp(path: string, signal?: AbortSignal): Promise<YtDlp> {
  const version = await versionOf(path, signal)
  if (!version) throw new OperatorError(`YTDLP_PATH ${path} cannot be run as yt-dlp: set it to one that can, or unset it`)
  if (!isAtLeast(version, OLDEST_GIVEN))
    throw new OperatorError(`YTDLP_PATH ${path} is yt-dlp ${version}, too old for YouTube: at least ${OLDEST_GIVEN}, or unset it`)
  return { path, version }
}

async function versionOf(program: string, signal?: AbortSignal): Promise<string | undefined> {
  const { code, stdout } = await runProgram(program, ['--ignore-config', '--version'], {
    env: pythonEnvironment(),
    timeoutMs: VERSION_MS,
    signal,
  })
  return code === 0 ? /^\d{4}(\.\d+)+/.exec(stdout)?.[0] : undefined
}
