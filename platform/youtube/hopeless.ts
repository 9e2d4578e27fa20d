import { stripVTControlCharacters } from 'node:util'
import { verdictOf } from '../ytdlp/verdict.ts'

/** More than any real error; the rest is not looked at. */
const MOST_CHARACTERS = 20_000

/** What youtube_transcript_api puts around a cause: who reads the whole would take its advice about proxies for one. */
const ADVICE = /If you are sure that the described cause is not responsible/

/** Its causes that only mean that nobody wrote captions: the video itself can be had. */
const NO_CAPTIONS = [
  /Subtitles are disabled for this video(?!:)/,
  /No transcripts were found for any of the requested language codes/,
  /No transcripts are available for this video/,
]

/** Its causes that will be the same tomorrow. */
const CAUSES = [
  ...NO_CAPTIONS,
  /The video is no longer available/,
  /This video is age-restricted/,
  /You provided an invalid video id/,
]

/** Its causes that come with YouTube's own words, which say more: a broadcast that has not begun cannot be played either. */
const REASON =
  /(?:The video is unplayable for the following reason|Unplayable video|Login required|Subtitles are disabled for this video): (.+)/

const IS_BLOCKED = /YouTube is blocking (?:requests from )?your|too many requests from this IP/

/** What only yt-dlp writes: the words alone may be anybody's. */
const BY_YT_DLP = /\bERROR: |\[youtube(?::\w+)?\] /

/**
 * Whether an error that a worker reports means that nobody will ever get this video, in the words of yt-dlp or of
 * youtube_transcript_api, the libraries of workers that cannot say so otherwise. In doubt it does not.
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

/** How our own worker says so. */
export const noCaptions = 'there are no captions'
/** @param track the name of one that has no words in it */
export const saysNothing = (track: string) => `the captions (${track}) say nothing`

const OURS = new RegExp(`^(?:${noCaptions}|the captions \\([^()]*\\) say nothing)$`)

/**
 * Whether an error for which a video will never have a transcript only means that it has no captions: then somebody may hear it. Not
 * when it is private, gone, or kept from us.
 */
export function lacksCaptions(error: string): boolean {
  const text = stripVTControlCharacters(error.slice(0, MOST_CHARACTERS))
  const [said = ''] = text.split(ADVICE)
  const isSaid = OURS.test(text) || NO_CAPTIONS.some((cause) => cause.test(said))
  return isSaid && !IS_BLOCKED.test(text) && !isNever(said.replace(/\s+/g, ' '))
}

const isNever = (text: string) => verdictOf(text).meaning === 'never'
