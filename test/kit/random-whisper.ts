import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram } from '#platform/program.ts'
import { pythonEnvironment } from '#platform/python/environment.ts'
import type { Listener } from '#platform/whisper/install.ts'
import { madeOnce } from './whisper.ts'

const script = join(import.meta.dirname, '../services/gpu-worker/python/random_whisper.py')

/** Its transcript of each half minute with speech, in the first two seconds. */
export const NOISE = 'This is noise.'

/**
 * A folder with a Whisper model of random weights, 1 MB. It returns the same text for any speech, but runs all the code of a real
 * model, is fast, and needs no download. English only.
 */
export function randomWhisper({ path }: Listener): Promise<string> {
  const version = createHash('sha256').update(readFileSync(script)).digest('hex').slice(0, 8)
  return madeOnce(`random-whisper-${version}`, async (folder) => {
    const { code, stderr } = await runProgram(path, [script, folder], { env: pythonEnvironment(), timeoutMs: 60_000 })
    if (code !== 0) throw new Error(`no Whisper of random weights was made: ${stderr}`)
  })
}
