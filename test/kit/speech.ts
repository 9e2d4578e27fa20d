import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { runProgram } from '#platform/program.ts'
import { pythonEnvironment } from '#platform/python/environment.ts'
import { listenerForTests, madeOnce, speaker } from './whisper.ts'

export interface SpeechOptions {
  /** `wav`, or a format that ffmpeg converts it to. */
  format?: 'wav' | 'mp3' | 'webm' | 'm4a'
  /** A voice of espeak-ng. */
  language?: string
  wordsPerMinute?: number
  /** Number of repetitions, to make it long. */
  times?: number
}

const script = join(import.meta.dirname, '../services/gpu-worker/python/speak.py')
const CODECS = { mp3: ['-b:a', '64k'], webm: ['-c:a', 'libopus', '-b:a', '48k'], m4a: ['-c:a', 'aac', '-b:a', '64k'] }

/**
 * A file in which espeak-ng speaks a text. It is made once and kept, so do not change it.
 * @returns its path
 */
export async function say(text: string, options: SpeechOptions = {}): Promise<string> {
  const { format = 'wav', language = 'en-us', wordsPerMinute = 150, times = 1 } = options
  const name = createHash('sha256')
    .update(JSON.stringify([text, language, wordsPerMinute, times]))
    .digest('hex')
    .slice(0, 16)
  const spoken = await madeOnce(`said-${name}`, async (folder) => {
    const { path } = await speaker()
    await run(path, [script, join(folder, 'once.wav'), language, String(wordsPerMinute), text])
    const { ffmpeg } = await listenerForTests()
    const again = ['-stream_loop', String(times - 1), '-i', join(folder, 'once.wav'), '-c', 'copy', join(folder, 'speech.wav')]
    await run(ffmpeg, ['-nostdin', '-v', 'error', ...again])
  })
  const wav = join(spoken, 'speech.wav')
  if (format === 'wav') return wav
  const encoded = await madeOnce(`said-${name}-${format}`, async (folder) => {
    const { ffmpeg } = await listenerForTests()
    await run(ffmpeg, ['-nostdin', '-v', 'error', '-i', wav, ...CODECS[format], join(folder, `speech.${format}`)])
  })
  return join(encoded, `speech.${format}`)
}

async function run(program: string, args: string[]) {
  const { code, stderr } = await runProgram(program, args, { env: pythonEnvironment(), timeoutMs: 60_000 })
  if (code !== 0) throw new Error(`nothing was said: ${stderr}`)
}
