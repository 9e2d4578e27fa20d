import { runProgram } from '#platform/program.ts'
import { pythonEnvironment } from '#platform/python/environment.ts'
import { SoundError, soundError } from './error.ts'

export interface FfmpegOptions {
  /** The program: FFMPEG_PATH, or the one that is installed with what hears. */
  ffmpeg: string
  signal: AbortSignal
  /** Told twice a second how much has been done. */
  onProgress?: ((seconds: number) => void) | undefined
}

/** A file on this disk gets on; one that does not is broken, or the disk is. */
const STUCK_MS = 120_000
/** Nothing is so long; it is stuck before. */
const LONGEST_MS = 24 * 3_600_000

/** Only files are read: a list of addresses may pass for a file of sound. */
export const input = (path: string): string[] => ['-protocol_whitelist', 'file,pipe', '-i', `file:${path}`]

/**
 * Runs ffmpeg to its end, or until it does not get on.
 * @returns how much sound came out of it, in seconds
 * @throws SoundError; what `signal` was aborted with
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
      throw new SoundError('set-up', `ffmpeg cannot be run (${stderr}): see to FFMPEG_PATH`)
    if (stuck.signal.aborted) throw new SoundError('unreadable', `ffmpeg did not get on for ${STUCK_MS / 1000} seconds`)
    if (code !== 0) throw soundError(stderr)
    return seconds
  } finally {
    clearTimeout(watch)
  }
}
