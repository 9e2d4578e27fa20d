import { stripVTControlCharacters } from 'node:util'
import { verdictOf } from '../ytdlp/verdict.ts'

/** Longer than any real error; the rest is ignored. */
const MOST_CHARACTERS = 20_000

/** Begins the advice that youtube_transcript_api adds after a cause. The advice mentions proxies, which must not be taken for a cause. */
const ADVICE = /If you are sure that the described cause is not responsible/

/** Causes of youtube_transcript_api that mean only that there are no captions; the video itself is available. */
const NO_CAPTIONS = [
  /Subtitles are disabled for this video(?!:)/,
  /No transcripts were found for any of the requested language codes/,
  /No transcripts are available for this video/,
]

/** Permanent causes of youtube_transcript_api. */
const CAUSES = [
  ...NO_CAPTIONS,
  /The video is no longer available/,
  /This video is age-restricted/,
  /You provided an invalid video id/,
]

/** Causes that quote YouTube's own reason, which decides: "unplayable" also covers a broadcast that has not begun. */
const REASON =
  /(?:The video is unplayable for the following reason|Unplayable video|Login required|Subtitles are disabled for this video): (.+)/

const IS_BLOCKED = /YouTube is blocking (?:requests from )?your|too many requests from this IP/

/** Markers that only yt-dlp writes; without them the text may come from any program. */
const BY_YT_DLP = /\bERROR: |\[youtube(?::\w+)?\] /

/**
 * True when an error that a worker reports means that this video will never be available. Recognizes messages of yt-dlp and
 * youtube_transcript_api, for workers that report only text. In doubt false.
 */
export function isHopeless(error: string): boolean {
  const text = stripVTControlCharacters(error.slice(0, MOST_CHARACTERS))
  if (IS_BLOCKED.test(text)) return false
  const [said = ''] = text.split(ADVICE)
  if (CAUSES.some((cause) => cause.test(said))) return true
  const [, reason] = REASON.exec(said.replace(/\s+/g, ' ')) ?? []
  if (reason !== undefined) return isNever(reason)
  return BY_YT_DLP.test(text) && isNever(text)
}

/** The message with which our own worker reports it. */
export const noCaptions = 'there are no captions'
/** @param track name of a caption track without words */
export const saysNothing = (track: string) => `the captions (${track}) say nothing`

const OURS = new RegExp(`^(?:${noCaptions}|the captions \\([^()]*\\) say nothing)$`)

/**
 * True when a permanent error only means that the video has no captions, so that a media worker can transcribe its audio. False when
 * the video is private, deleted or kept from us.
 */
export function lacksCaptions(error: string): boolean {
  const text = stripVTControlCharacters(error.slice(0, MOST_CHARACTERS))
  const [said = ''] = text.split(ADVICE)
  const isSaid = OURS.test(text) || NO_CAPTIONS.some((cause) => cause.test(said))
  return isSaid && !IS_BLOCKED.test(text) && !isNever(said.replace(/\s+/g, ' '))
}

const isNever = (text: string) => verdictOf(text).meaning === 'never'
