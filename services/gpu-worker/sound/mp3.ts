import { renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { SoundError } from './error.ts'
import { type FfmpegOptions, input, runFfmpeg } from './ffmpeg.ts'

export interface Mp3Options extends FfmpegOptions {
  /** The rest is cut off. */
  maxSeconds?: number | undefined
}

export interface Mp3 {
  /** Length of the audio. */
  seconds: number
  /** Whether something was cut off. */
  isCut: boolean
}

/** ffmpeg ends with a whole frame of 26 to 72 ms. */
const TOLERANCE_SECONDS = 0.1

/**
 * Makes an MP3 of 192 kbit/s from the first audio stream of a file. The output appears under its name only when complete; after an
 * error nothing is left.
 * @throws SoundError; the reason of `signal` when aborted
 */
export async function toMp3(from: string, to: string, { maxSeconds, ...options }: Mp3Options): Promise<Mp3> {
  const unfinished = `${resolve(to)}.part`
  const bound = maxSeconds === undefined ? [] : ['-t', String(maxSeconds)]
  // Below 32 kHz an MP3 has at most 160 kbit/s.
  const encoded = ['-map', '0:a:0', '-map_metadata', '-1', '-ar', '44100', '-c:a', 'libmp3lame', '-b:a', '192k', ...bound]
  try {
    const seconds = await runFfmpeg([...input(resolve(from)), ...encoded, '-f', 'mp3', '-y', `file:${unfinished}`], options)
    if (seconds === 0) throw new SoundError('no-sound', 'there is no sound in the file')
    renameSync(unfinished, to)
    return { seconds, isCut: maxSeconds !== undefined && seconds >= maxSeconds - TOLERANCE_SECONDS }
  } finally {
    rmSync(unfinished, { force: true })
  }
}

/**
 * Length of the first audio stream in seconds, measured from the stream itself because headers can be wrong.
 * @throws SoundError; the reason of `signal` when aborted
 */
export const secondsOf = (file: string, options: FfmpegOptions): Promise<number> =>
  runFfmpeg([...input(resolve(file)), '-map', '0:a:0', '-c', 'copy', '-f', 'null', '-'], options)
