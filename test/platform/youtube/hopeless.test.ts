import { expect } from 'chai'
import { isHopeless, lacksCaptions, noCaptions, saysNothing } from '#platform/youtube/hopeless.ts'

/** As `str(error)` of youtube_transcript_api is. */
const api = (cause: string) =>
  `\nCould not retrieve a transcript for the video https://www.youtube.com/watch?v=dQw4w9WgXcQ! This is most likely caused by:\n\n${cause}\n\nIf you are sure that the described cause is not responsible for this error and that a transcript should be retrievable, please create an issue at https://github.com/jdepoix/youtube-transcript-api/issues. Please add which version of youtube_transcript_api you are using and provide the information needed to replicate the error. Also make sure that there are no open issues which already describe your problem!`

const languages = `No transcripts were found for any of the requested language codes: ['en', 'hi']

For this video (dQw4w9WgXcQ) transcripts are available in the following languages:

(MANUALLY CREATED)
None

(GENERATED)
 - ko ("Korean (auto-generated)")[TRANSLATABLE]

(TRANSLATION LANGUAGES)
None`

const blocked =
  'YouTube is blocking requests from your IP. This usually is due to one of the following reasons:\n- You have done too many requests and your IP has been blocked by YouTube\n- You are doing requests from an IP belonging to a cloud provider (like AWS, Google Cloud Platform, Azure, etc.). Unfortunately, most IPs from cloud providers are blocked by YouTube.\n\nThere are two things you can do to work around this:\n1. Use proxies to hide your IP address, as explained in the "Working around IP bans" section of the README (https://github.com/jdepoix/youtube-transcript-api?tab=readme-ov-file#working-around-ip-bans-requestblocked-or-ipblocked-exception).'
const blockedWithProxy =
  'YouTube is blocking your requests, despite you using Webshare proxies. Please make sure that you have purchased "Residential" proxies and NOT "Proxy Server" or "Static Residential", as those won\'t work as reliably!'
const captcha =
  'YouTube is receiving too many requests from this IP and now requires solving a captcha to continue. One of the following things can be done to work around this:\n        - Use a different IP address\n        - Wait until the ban on your IP has been lifted'
const unplayable = (reason: string) => api(`The video is unplayable for the following reason: ${reason}`)

const hopeless = [
  api('Subtitles are disabled for this video'),
  api(languages),
  api('No transcripts are available for this video'),
  api('The video is no longer available'),
  api(
    'This video is age-restricted. Therefore, you are unable to retrieve transcripts for it without authenticating yourself.\n\nUnfortunately, Cookie Authentication is temporarily unsupported in youtube-transcript-api',
  ),
  api('You provided an invalid video id. Make sure you are using the video id and NOT the url!'),
  unplayable('This video is private'),
  unplayable('Video unavailable\n\nAdditional Details:\n - The uploader has not made this video available in your country'),
  unplayable('Join this channel to get access to members-only content like this video, and other exclusive perks.'),
  api('Unplayable video: Video unavailable\nThis video contains content from SME, who has blocked it in your country'),
  api('Login required: This is a private video. Please sign in to verify that you may see it.\n'),
  'Subtitles are disabled for this video',
  'Error fetching transcript: The video is no longer available',

  "ERROR: [youtube] dQw4w9WgXcQ: Private video. Sign in if you've been granted access to this video",
  '\u001b[0;31mERROR:\u001b[0m [youtube] dQw4w9WgXcQ: Video unavailable. This video has been removed by the uploader',
  'Failed to fetch metadata: ERROR: [youtube] dQw4w9WgXcQ: This video is DRM protected',
  'WARNING: [youtube] x: HTTP Error 429: Too Many Requests. Retrying (1/3)...\nERROR: [youtube] dQw4w9WgXcQ: Video unavailable',
  '[youtube] dQw4w9WgXcQ: Sign in to confirm your age. This video may be inappropriate for some users',
]

const worthAnother = [
  ...[
    '',
    ' ',
    'boom',
    'error',
    'ERROR',
    'timeout',
    'no captions',
    'No transcript available',
    'Video unavailable',
    'Private video',
  ],
  'the video has been removed from the queue',
  'no reason given',

  api(blocked),
  api(blockedWithProxy),
  blockedWithProxy,
  `ERROR: ${blockedWithProxy}`,
  api(captcha),
  api('The requested video cannot be retrieved without a PO Token. If this happens, please open a GitHub issue!'),
  api('The data required to fetch the transcript is not parsable. This should not happen, please open an issue'),
  api('Request to YouTube failed: 429 Client Error: Too Many Requests for url: https://www.youtube.com/api/timedtext'),
  api('Request to YouTube failed: 500 Server Error: Internal Server Error for url: https://www.youtube.com/watch?v=dQw4w9WgXcQ'),
  api('Failed to automatically give consent to saving cookies'),
  api('The cookies provided are not valid (may have expired): /tmp/cookies.txt'),
  unplayable('This live event will begin in 3 hours.'),
  unplayable('Premieres in 2 days'),
  unplayable('The page needs to be reloaded.'),
  unplayable('No reason specified!'),
  unplayable("Video unavailable\n\nAdditional Details:\n - This content isn't available, try again later."),
  api("Login required: Sign in to confirm you're not a bot\n"),
  api("Subtitles are disabled for this video: Video unavailable\nThis content isn't available, try again later"),
  "HTTPSConnectionPool(host='www.youtube.com', port=443): Max retries exceeded with url: /watch?v=dQw4w9WgXcQ",

  "ERROR: [youtube] dQw4w9WgXcQ: Sign in to confirm you're not a bot. Use --cookies-from-browser or --cookies",
  'ERROR: [youtube] dQw4w9WgXcQ: Unable to download API page: HTTP Error 429: Too Many Requests',
  'ERROR: [youtube] dQw4w9WgXcQ: Video unavailable. YouTube is requiring a captcha challenge before playback',
  'ERROR: [youtube] dQw4w9WgXcQ: Requested format is not available. Use --list-formats for a list of available formats',
  'ERROR: [youtube] dQw4w9WgXcQ: This live event will begin in 3 hours.',
  'ERROR: unable to download video data: HTTP Error 403: Forbidden',
  'ERROR: [youtube] dQw4w9WgXcQ: Unable to download webpage: [Errno -3] Temporary failure in name resolution',
]

const inShort = (error: string) =>
  JSON.stringify(
    error
      .replace(/\s+/g, ' ')
      .replace(/^.*caused by: /, '')
      .slice(0, 110),
  )

describe('the error of a worker', () => {
  for (const error of hopeless)
    it(`means that the video will never be had: ${inShort(error)}`, () => expect(isHopeless(error)).to.equal(true))
  for (const error of worthAnother) it(`leaves hope: ${inShort(error)}`, () => expect(isHopeless(error)).to.equal(false))

  it('is read in no time, whatever it is', () => {
    const startedAt = performance.now()
    for (const part of ['ERROR: ', 'ERROR: x\n', ' ', '. ', 'account ', 'Login required: ', 'If you are sure that '])
      isHopeless(part.repeat(2_000_000))
    expect(performance.now() - startedAt).to.be.lessThan(1_000)
  })
})

describe('a video that will never have a transcript', () => {
  const captionless = [noCaptions, saysNothing('en-orig'), ...hopeless.slice(0, 3), 'Subtitles are disabled for this video']
  for (const error of captionless) it(`may be heard: ${inShort(error)}`, () => expect(lacksCaptions(error)).to.equal(true))

  const others = [
    ...hopeless.filter((error) => !captionless.includes(error)),
    ...worthAnother,
    'the captions (en) are too large',
    'this is not the id of a video on YouTube',
    `Private video. ${noCaptions}`,
    `${api('Subtitles are disabled for this video').split('If you')[0]}The video is private`,
  ]
  for (const error of others)
    it(`is not heard for another reason: ${inShort(error)}`, () => expect(lacksCaptions(error)).to.equal(false))

  it('is not heard because the advice of a library speaks of captions', () =>
    expect(lacksCaptions(`${api('The video is no longer available')} Subtitles are disabled for this video`)).to.equal(false))
})
