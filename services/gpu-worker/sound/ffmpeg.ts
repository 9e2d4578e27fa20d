import { runProgram } from '#platform/program.ts'
import { pythonEnvironment } from '#platform/python/environment.ts'
import { SoundError, soundError } from './error.ts'

export interface FfmpegOptions {
  /** Path of the program: FFMPEG_PATH, or the ffmpeg installed with faster-whisper. */
  ffmpeg: string
  signal: AbortSignal
  /** Called twice a second with the seconds of audio done. */
  onProgress?: ((seconds: number) => void) | undefined
}

/** Reading a local file always progresses; without progress the file or the disk is broken. */
const STUCK_MS = 120_000
/** Upper bound only: no file takes as long, and `STUCK_MS` ends a run that stands still. */
const LONGEST_MS = 24 * 3_600_000

/** Allows local files only: an input may be a playlist that contains URLs. */
export const input = (path: string): string[] => ['-protocol_whitelist', 'file,pipe', '-i', `file:${path}`]

/**
 * Runs ffmpeg until it exits or makes no progress.
 * @returns seconds of audio in the output
 * @throws SoundError; the reason of `signal` when aborted
 */
export async function runFfmpeg(args: readonly string[], { ffmpeg, signal, onProgress }: FfmpegOptions): Promise<number> {
  const stuck = new AbortController()
  const watch = setTimeout(() => stuck.abort(), STUCK_MS)
  let seconds = 0
  const onLine = (line: string) => {
    const [, microseconds] = /^out_time_us=(\d+)$/.exec(line) ?? []
    if (!microseconds || Number(microseconds) / 1e6 === seconds) return
    seconds = Number(microseconds) / 1e6
    watch.refresh()
    onProgress?.(seconds)
  }
  try {
    const { code, stderr } = await runProgram(
      ffmpeg,
      ['-nostdin', '-hide_banner', '-v', 'error', '-progress', 'pipe:1', ...args],
      {
        env: pythonEnvironment(),
        timeoutMs: LONGEST_MS,
        signal: AbortSignal.any([signal, stuck.signal]),
        onLine,
      },
    )
    signal.throwIfAborted()
    if (/^spawn .*(ENOENT|EACCES)/.test(stderr))
      throw new SoundError('set-up', `ffmpeg cannot be run (${stderr}): check FFMPEG_PATH`)
    if (stuck.signal.aborted) throw new SoundError('unreadable', `ffmpeg made no progress for ${STUCK_MS / 1000} seconds`)
    if (code !== 0) throw soundError(stderr)
    return seconds
  } finally {
    clearTimeout(watch)
  }
}
