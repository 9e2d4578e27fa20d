import { OperatorError } from './operator-error.ts'
import { runProgram } from './program.ts'
import { pythonEnvironment } from './python/environment.ts'

const VERSION_MS = 15_000

/**
 * The version of an ffmpeg, for display.
 * @throws OperatorError when it cannot be run, or cannot encode MP3
 */
export async function ffmpegVersion(path: string, signal?: AbortSignal): Promise<string> {
  const run = (flag: string) =>
    runProgram(path, ['-hide_banner', flag], { env: pythonEnvironment(), timeoutMs: VERSION_MS, signal })
  const version = /^ffmpeg version (\S+)/m.exec((await run('-version')).stdout)?.[1]
  signal?.throwIfAborted()
  if (!version) throw new OperatorError(`FFMPEG_PATH ${path} cannot be run as ffmpeg: set it to one that can, or unset it`)
  if (!/\blibmp3lame\b/.test((await run('-encoders')).stdout))
    throw new OperatorError(
      `FFMPEG_PATH ${path} is an ffmpeg that makes no MP3 (no libmp3lame): set it to one that does, or unset it`,
    )
  return version
}
