/**
 * What to do after a failure of yt-dlp:
 * `never`: the video will not become available; `later`: it may be available later; `stop`: YouTube is blocking us at the moment, and
 * every further request makes it worse; `set-up`: this installation is misconfigured, and a person has to fix it.
 */
export type Meaning = 'never' | 'later' | 'stop' | 'set-up'

export interface Verdict {
  meaning: Meaning
  /** yt-dlp's message, in one line. */
  reason: string
  /** What a person has to do, for `set-up`. */
  remedy?: string
}

const RUNTIME = 'yt-dlp finds no JavaScript runtime that it can use: run VidWiz with Node 22 or later'
const CHALLENGE = 'yt-dlp could not solve YouTube’s challenge: `npx vidwiz helpers update` takes the newest yt-dlp'
const OLD = 'this yt-dlp is too old for its flags: `npx vidwiz helpers update`, or a newer YTDLP_PATH'
const COOKIES = 'export new cookies into YTDLP_COOKIES'
const PROXY = 'check YTDLP_PROXY'
const PAGE = 'check YOUTUBE_WATCH_URL'

/** The first match counts: YouTube words "try again later" and bot checks like messages about deleted videos. */
const SIGNS: readonly [Meaning, RegExp, remedy?: string][] = [
  ['stop', /not a (?:ro)?bot\b/i],
  ['stop', /rate-?limited|HTTP Error 429|Too Many Requests/i],
  ['stop', /content isn.t available, try again later/i],
  ['stop', /captcha|unusual traffic/i],

  ['set-up', /No supported JavaScript runtime/i, RUNTIME],
  ['set-up', /(?:\bn challenge|Signature) solving failed/i, CHALLENGE],
  ['set-up', /Requested format is not available|Only images are available/i, CHALLENGE],
  ['set-up', /no such option|Unsupported (?:JS|JavaScript) runtime/i, OLD],
  ['set-up', /cookies are no longer valid|does not look like a Netscape format cookies file/i, COOKIES],
  ['set-up', /Unable to connect to proxy|ProxyError|Tunnel connection failed|Proxy Authentication/i, PROXY],
  ['set-up', /Unsupported URL|is not a valid URL/i, PAGE],

  // A broadcast that has not begun or not ended.
  [
    'later',
    /live event will begin|Premieres? (?:in|will)|Premiere will begin|live stream (?:has not|recording is not)|Offline\b/i,
  ],
  ['later', /missing a URL|video is (?:still )?(?:being )?process(?:ed|ing)/i],

  ['never', /Private video|video is private/i],
  ['never', /members[- ]only|Join this channel|members on level/i],
  ['never', /confirm your age|age[- ]restricted|inappropriate for some users/i],
  ['never', /available in your country|geo[- ]restrict|not available from your location|blocked it (?:in|on)/i],
  ['never', /DRM protected/i],
  ['never', /has been removed|removed by the uploader|no longer available|account .{0,60}terminated|has been deleted/i],
  ['never', /requires payment|Premium members|for rent|purchase/i],
  ['never', /Video unavailable|This video (?:is|isn.t) (?:not |un)?available|video does(?:n.t| not) exist/i],
  ['never', /Incomplete YouTube ID|looks truncated/i],
]

/** Warnings about our setup, which also occur in successful runs. */
export const setUpWarnings = (stderr: string): Verdict[] => {
  const warnings = linesOf(stderr, 'WARNING')
  return warnings.map(verdictOn).filter(({ meaning }) => meaning === 'set-up')
}

/** The verdict on a failed run: of several errors the most severe. @param stderr of the run */
export function verdictOf(stderr: string): Verdict {
  const errors = linesOf(stderr, 'ERROR')
  const said = errors.length > 0 ? errors : [stderr.trim().split('\n').at(-1)!.trim()]
  const verdicts = said.map(verdictOn)
  const worst = (['stop', 'set-up', 'never', 'later'] as const).find((meaning) => verdicts.some((one) => one.meaning === meaning))
  return verdicts.find(({ meaning }) => meaning === worst)!
}

/** True when YouTube withholds captions from us, so that "there are no captions" must not be believed. */
export const isKeptFromUs = (stderr: string): boolean =>
  /subtitles require a PO Token|missing subtitles languages because a PO token/i.test(stderr)

function verdictOn(line: string): Verdict {
  const [meaning, , remedy] = SIGNS.find(([, sign]) => sign.test(line)) ?? (['later'] as const)
  return { meaning, reason: shortened(line), ...(remedy ? { remedy } : {}) }
}

const MOST_CHARACTERS = 300

/** Removes the links to yt-dlp's wiki, which help only people who run yt-dlp by hand. */
function shortened(line: string): string {
  const text = line.replace(
    /(?:\.\s*)?(?:Use --cookies|See {1,2}https|For more (?:information|details), refer to|\(caused by).*$/,
    '',
  )
  return [...text.trim()].slice(0, MOST_CHARACTERS).join('') || 'yt-dlp did not say why'
}

/** The messages under a heading; lines without a heading continue the message before. */
function linesOf(stderr: string, heading: 'ERROR' | 'WARNING'): string[] {
  const lines: string[] = []
  let isInside = false
  for (const line of stderr.split('\n')) {
    const [, head, text] = /^(ERROR|WARNING|Deprecated Feature|Traceback)(?:: ?| )(.*)$/.exec(line) ?? []
    if (head) isInside = head === heading
    if (head === heading) lines.push(text!.trim())
    else if (isInside && !head && line.trim()) lines[lines.length - 1] += ` ${line.trim()}`
  }
  return lines
}
