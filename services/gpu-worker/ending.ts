import type { Verdict } from '#platform/ytdlp/verdict.ts'
import { HearingError, StudyError } from './ports.ts'
import { SoundError } from './sound/error.ts'

/**
 * How work on a message ends. `completed` and `unwanted`: the message is deleted. `failed`: the API is told, and the message is
 * deleted. `returned`: the message comes again; with `blame: 'job'`, a job that was returned too often is given up, with `'world'`
 * it is not; `rests` is what the whole worker waits for before it takes another message. `stray`: nobody can process the message.
 * `lost`: another worker has the message, and this one only stops.
 */
export type Ending =
  | { kind: 'completed'; missing?: string | undefined }
  | { kind: 'unwanted'; cause: string }
  | { kind: 'failed'; cause: string; permanent: boolean }
  | { kind: 'returned'; cause: string; blame: 'job' | 'world'; rests?: 'youtube' | 'set-up' | 'away' | 'stop' }
  | { kind: 'stray'; cause: string }
  | { kind: 'lost' }

/** Thrown where it is known how the work on a message ends. */
export class Ended extends Error {
  override name = 'Ended'
  readonly ending: Ending
  constructor(ending: Ending, options?: ErrorOptions) {
    super('cause' in ending ? ending.cause : ending.kind, options)
    this.ending = ending
  }
}

export const failedForGood = (cause: string) => new Ended({ kind: 'failed', cause, permanent: true })
export const returned = (cause: string) => new Ended({ kind: 'returned', cause, blame: 'job' })
export const away = (cause: string, options?: ErrorOptions) =>
  new Ended({ kind: 'returned', cause, blame: 'world', rests: 'away' }, options)
export const toldToStop = () =>
  new Ended({ kind: 'returned', cause: 'the worker was told to stop', blame: 'world', rests: 'stop' })
export const diskFull = (detail: string) => returned(`the disk of the worker is full (${detail})`)

/** The ending for a verdict of yt-dlp. */
export function endingOfVerdict({ meaning, reason }: Verdict): Ending {
  if (isDiskFull(reason)) return diskFull(reason).ending
  switch (meaning) {
    case 'never':
      return { kind: 'failed', cause: reason, permanent: true }
    case 'later':
      return { kind: 'returned', cause: reason, blame: 'job' }
    case 'stop':
      return { kind: 'returned', cause: reason, blame: 'world', rests: 'youtube' }
    case 'set-up':
      // The cause may be this one video, so the job must not return for ever.
      return { kind: 'returned', cause: reason, blame: 'job', rests: 'set-up' }
  }
}

/** The ending for any error. Unknown errors may pass: the job returns, and is given up after too many tries. */
export function endingOf(error: unknown): Ending {
  if (error instanceof Ended) return error.ending
  const { message: cause } = error as Error
  if (isDiskFull(`${(error as NodeJS.ErrnoException).code} ${cause}`)) return diskFull('no space left').ending
  if (error instanceof SoundError) {
    switch (error.kind) {
      case 'no-sound':
        return { kind: 'failed', cause, permanent: true }
      case 'disk-full':
        return diskFull(cause).ending
      case 'set-up':
        return { kind: 'returned', cause, blame: 'world', rests: 'set-up' }
      // A truncated download is unreadable too, and a killed ffmpeg gives no reason: try again.
      case 'unreadable':
        return { kind: 'returned', cause, blame: 'job' }
    }
  }
  if (error instanceof HearingError) {
    if (error.kind === 'bad-audio') return { kind: 'failed', cause, permanent: true }
    if (error.kind === 'set-up') return { kind: 'returned', cause, blame: 'world', rests: 'set-up' }
    return { kind: 'returned', cause, blame: 'job' }
  }
  if (error instanceof StudyError) {
    switch (error.kind) {
      case 'no-model':
      case 'nothing-said':
        return { kind: 'completed', missing: cause }
      case 'away':
        return { kind: 'returned', cause, blame: 'world' }
      case 'set-up':
        return { kind: 'returned', cause, blame: 'world', rests: 'set-up' }
      case 'refused':
        return { kind: 'failed', cause, permanent: false }
    }
  }
  return { kind: 'returned', cause: `the worker failed: ${cause}`, blame: 'job' }
}

const isDiskFull = (text: string) => /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/i.test(text)

const FIRST_S = 30
const LONGEST_S = 900

/** Delay in seconds until a returned job comes again. @param receives how often it was received, at least 1 */
export const againSeconds = (receives: number): number => Math.min(LONGEST_S, FIRST_S * 3 ** (receives - 1))
