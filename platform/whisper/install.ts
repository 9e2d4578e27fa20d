import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runProgram } from '../program.ts'
import { pythonEnvironment } from '../python/environment.ts'
import { type Installed, type InstallOptions, installed, type LockedProject, projectFolder, ready } from '../python/install.ts'
import { Trouble } from '../trouble.ts'

/** What hears speech, installed: faster-whisper and an ffmpeg. */
export interface Listener {
  /** Runs a script with the packages of the installation. */
  path: string
  /** Of faster-whisper. */
  version: string
  ffmpeg: string
  /** Where the libraries of NVIDIA lie that the packages bring; none on a machine without. */
  libraries: string[]
}

/** Where to hear, as WHISPER_DEVICE says it. */
export type Device = 'auto' | 'cpu' | 'cuda'

const folder = join(import.meta.dirname, 'project')
const LOCKS = { cpu: join(folder, 'requirements.txt'), cuda: join(folder, 'requirements-cuda.txt') }
const PROBE_MS = 60_000

/** The version of faster-whisper that the lock has. */
export const PINNED_WHISPER = /^faster-whisper==([\d.]+)/m.exec(readFileSync(LOCKS.cpu, 'utf8'))![1]!

const projectFor = (device: Device): LockedProject => ({
  name: 'whisper',
  program: 'run',
  main: join(folder, 'main.py'),
  lock: needsCuda(device) ? LOCKS.cuda : LOCKS.cpu,
  version: PINNED_WHISPER,
  versionOf,
  // 200 MB, and 600 more for NVIDIA.
  installMs: 1_800_000,
})

/** What stands there when a driver of NVIDIA runs, under Linux and under Windows' Linux. */
const SIGNS_OF_NVIDIA = ['/dev/nvidiactl', '/dev/dxg']

/** Whether the libraries for NVIDIA belong to what is installed for a device. */
export const needsCuda = (device: Device): boolean =>
  device === 'cuda' || (device === 'auto' && SIGNS_OF_NVIDIA.some((path) => existsSync(path)))

/** In the data folder: where installations and models lie. */
export const listenerFolder = (data: string): string => projectFolder(data, projectFor('cpu'))

export interface ListenerOptions extends InstallOptions {
  /** Those for NVIDIA take 600 MB more. */
  device: Device
}

/**
 * What hears speech, installed into the data folder if need be. Who comes while another one installs waits for it.
 * @throws Trouble saying what to do, when there is no Python, or none of the ways to install works
 */
export async function installedListener({ device, ...options }: ListenerOptions): Promise<Listener> {
  return listenerOf(await installed(projectFor(device), options))
}

/** What hears speech if it is installed; undefined when it is not. Installs nothing. */
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
  if (!name) throw new Trouble(`there is no ffmpeg in ${binaries}: remove ${dirname(path)}, which is installed anew then`)
  const nvidia = join(lib, 'nvidia')
  const libraries = namesIn(nvidia).map((name) => join(nvidia, name, 'lib'))
  return { path, version, ffmpeg: join(binaries, name), libraries: libraries.filter((path) => existsSync(path)) }
}

const namesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder) : [])

/** Importing all of it takes seconds, so this also sees that nothing is missing. */
async function versionOf(program: string, signal?: AbortSignal): Promise<string | undefined> {
  const bounds = { env: pythonEnvironment(), timeoutMs: PROBE_MS, signal }
  const { code, stdout } = await runProgram(program, [join(folder, 'version.py')], bounds)
  return code === 0 ? /^\d+(\.\d+)+$/m.exec(stdout)?.[0] : undefined
}
