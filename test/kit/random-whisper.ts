import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram } from '#platform/program.ts'
import { pythonEnvironment } from '#platform/python/environment.ts'
import type { Listener } from '#platform/whisper/install.ts'
import { madeOnce } from './whisper.ts'

const script = join(import.meta.dirname, '../services/gpu-worker/python/random_whisper.py')

/** What it hears in each half minute in which somebody speaks, in its first two seconds. */
export const NOISE = 'This is noise.'

/**
 * A folder with a Whisper of random weights, 1 MB: whatever is said, it hears the same, but it runs through all that a real one does,
 * is fast, and needs no download. It knows English only.
 */
export function randomWhisper({ path }: Listener): Promise<string> {
  const version = createHash('sha256').update(readFileSync(script)).digest('hex').slice(0, 8)
  return madeOnce(`random-whisper-${version}`, async (folder) => {
    const { code, stderr } = await runProgram(path, [script, folder], { env: pythonEnvironment(), timeoutMs: 60_000 })
    if (code !== 0) throw new Error(`no Whisper of random weights was made: ${stderr}`)
  })
}
