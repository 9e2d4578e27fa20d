import { renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { SoundError } from './error.ts'
import { type FfmpegOptions, input, runFfmpeg } from './ffmpeg.ts'

export interface Mp3Options extends FfmpegOptions {
  /** What is beyond is left out. */
  maxSeconds?: number | undefined
}

export interface Mp3 {
  /** How long its sound is. */
  seconds: number
  /** Whether something was left out. */
  isCut: boolean
}

/** ffmpeg ends with a whole frame, which is 26 to 72 ms long. */
const TOLERANCE_SECONDS = 0.1

/**
 * Makes an MP3 of 192 kbit/s of the first sound in a file. The file has its name once it is whole; otherwise nothing is left.
 * @throws SoundError; what `signal` was aborted with
 */
export async function toMp3(from: string, to: string, { maxSeconds, ...options }: Mp3Options): Promise<Mp3> {
  const unfinished = `${resolve(to)}.part`
  const bound = maxSeconds === undefined ? [] : ['-t', String(maxSeconds)]
  // Below 32 kHz an MP3 has 160 kbit/s at most.
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
 * How long the first sound in a file lasts, in seconds, by what is in it, not by what it says of itself.
 * @throws SoundError; what `signal` was aborted with
 */
export const secondsOf = (file: string, options: FfmpegOptions): Promise<number> =>
  runFfmpeg([...input(resolve(file)), '-map', '0:a:0', '-c', 'copy', '-f', 'null', '-'], options)
