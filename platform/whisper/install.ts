import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { OperatorError } from '../operator-error.ts'
import { runProgram } from '../program.ts'
import { pythonEnvironment } from '../python/environment.ts'
import { type Installed, type InstallOptions, installed, type LockedProject, projectFolder, ready } from '../python/install.ts'

/** An installation for speech recognition: faster-whisper and ffmpeg. */
export interface Listener {
  /** A program that runs a Python script with the installed packages. */
  path: string
  /** Version of faster-whisper. */
  version: string
  ffmpeg: string
  /** Folders of the NVIDIA libraries among the packages; empty if they are not installed. */
  libraries: string[]
}

/** The device for speech recognition: the values of WHISPER_DEVICE. */
export type Device = 'auto' | 'cpu' | 'cuda'

const folder = join(import.meta.dirname, 'project')
const LOCKS = { cpu: join(folder, 'requirements.txt'), cuda: join(folder, 'requirements-cuda.txt') }
const PROBE_MS = 60_000

/** The version of faster-whisper in the lock file. */
export const PINNED_WHISPER = /^faster-whisper==([\d.]+)/m.exec(readFileSync(LOCKS.cpu, 'utf8'))![1]!

const projectFor = (device: Device): LockedProject => ({
  name: 'whisper',
  program: 'run',
  main: join(folder, 'main.py'),
  lock: needsCuda(device) ? LOCKS.cuda : LOCKS.cpu,
  version: PINNED_WHISPER,
  versionOf,
  // Downloads 200 MB, and 600 MB more for NVIDIA.
  installMs: 1_800_000,
})

/** Device files that exist when an NVIDIA driver runs, on Linux and on WSL. */
const SIGNS_OF_NVIDIA = ['/dev/nvidiactl', '/dev/dxg']

/** True when the installation for a device includes the NVIDIA libraries. */
export const needsCuda = (device: Device): boolean =>
  device === 'cuda' || (device === 'auto' && SIGNS_OF_NVIDIA.some((path) => existsSync(path)))

/** The folder of installations and models, in the data folder. */
export const listenerFolder = (data: string): string => projectFolder(data, projectFor('cpu'))

export interface ListenerOptions extends InstallOptions {
  /** The NVIDIA libraries take 600 MB more. */
  device: Device
}

/**
 * The installation for speech recognition, installed into the data folder if missing. Waits while another process installs it.
 * @throws OperatorError saying what to do, when there is no Python, or no way to install works
 */
export async function installedListener({ device, ...options }: ListenerOptions): Promise<Listener> {
  return listenerOf(await installed(projectFor(device), options))
}

/** The installation for speech recognition; undefined when there is none. Installs nothing. */
export async function readyListener(
  data: string,
  device: Device = 'auto',
  env?: NodeJS.ProcessEnv,
): Promise<Listener | undefined> {
  const found = await ready(projectFor(device), data, env)
  return found && listenerOf(found)
}

function listenerOf({ path, version }: Installed): Listener {
  const lib = join(dirname(path), 'lib')
  const binaries = join(lib, 'imageio_ffmpeg', 'binaries')
  const name = namesIn(binaries).find((name) => name.startsWith('ffmpeg-'))
  if (!name) throw new OperatorError(`there is no ffmpeg in ${binaries}: remove ${dirname(path)}, then it is installed again`)
  const nvidia = join(lib, 'nvidia')
  const libraries = namesIn(nvidia).map((name) => join(nvidia, name, 'lib'))
  return { path, version, ffmpeg: join(binaries, name), libraries: libraries.filter((path) => existsSync(path)) }
}

const namesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder) : [])

/** Imports all packages, so it also detects missing ones; this takes seconds. */
async function versionOf(program: string, signal?: AbortSignal): Promise<string | undefined> {
  const bounds = { env: pythonEnvironment(), timeoutMs: PROBE_MS, signal }
  const { code, stdout } = await runProgram(program, [join(folder, 'version.py')], bounds)
  return code === 0 ? /^\d+(\.\d+)+$/m.exec(stdout)?.[0] : undefined
}
