import { expect } from 'chai'
import { isKeptFromUs, type Meaning, setUpWarnings, verdictOf } from '#platform/ytdlp/verdict.ts'

const login =
  'Use --cookies-from-browser or --cookies for the authentication. See  https://github.com/yt-dlp/yt-dlp/wiki/FAQ#how-do-i-pass-cookies-to-yt-dlp  for how to manually pass cookies. Also see  https://github.com/yt-dlp/yt-dlp/wiki/Extractors#exporting-youtube-cookies  for tips on effectively exporting YouTube cookies'
const wiki = 'See  https://github.com/yt-dlp/yt-dlp/wiki/EJS  for details on installing one'

/** What yt-dlp says, and what that means. */
const messages: [Meaning, string][] = [
  ['stop', `ERROR: [youtube] dQw4w9WgXcQ: Sign in to confirm you’re not a bot. ${login}`],
  ['stop', `ERROR: [youtube] dQw4w9WgXcQ: Sign in to confirm you're not a bot. ${login}`],
  [
    'stop',
    "ERROR: [youtube] dQw4w9WgXcQ: Video unavailable. This content isn't available, try again later. The current session has been rate-limited by YouTube for up to an hour. It is recommended to use `-t sleep` to add a delay between video requests to avoid exceeding the rate limit. For more information, refer to  https://github.com/yt-dlp/yt-dlp/wiki/Extractors#this-content-isnt-available-try-again-later",
  ],
  ['stop', 'ERROR: [youtube] dQw4w9WgXcQ: Video unavailable. YouTube is requiring a captcha challenge before playback'],
  [
    'stop',
    'ERROR: [youtube] dQw4w9WgXcQ: Unable to download API page: HTTP Error 429: Too Many Requests (caused by <HTTPError 429: Too Many Requests>)',
  ],
  ['stop', "ERROR: Unable to download video subtitles for 'en': HTTP Error 429: Too Many Requests"],

  ['later', 'ERROR: unable to download video data: HTTP Error 403: Forbidden'],
  [
    'later',
    "ERROR: [youtube] dQw4w9WgXcQ: Unable to download API page: (<urllib3.connection.HTTPSConnection object at 0x7f>, 'Connection to www.youtube.com timed out. (connect timeout=15.0)')",
  ],
  [
    'later',
    'ERROR: [youtube] dQw4w9WgXcQ: Unable to download webpage: [Errno -3] Temporary failure in name resolution (caused by TransportError)',
  ],
  ['later', 'ERROR: [youtube] dQw4w9WgXcQ: This live event will begin in 3 hours.'],
  ['later', 'ERROR: [youtube] dQw4w9WgXcQ: Premieres in 2 days'],
  ['later', 'ERROR: [youtube] dQw4w9WgXcQ: Some web client https formats have been skipped as they are missing a URL'],
  ['later', 'ERROR: something that nobody has ever seen'],
  ['later', ''],

  ['never', `ERROR: [youtube] dQw4w9WgXcQ: Private video. Sign in if you've been granted access to this video. ${login}`],
  ['never', 'ERROR: [youtube] dQw4w9WgXcQ: Video unavailable. This video is private'],
  ['never', 'ERROR: [youtube] dQw4w9WgXcQ: Video unavailable'],
  ['never', 'ERROR: [youtube] dQw4w9WgXcQ: Video unavailable. This video has been removed by the uploader'],
  ['never', "ERROR: [youtube] dQw4w9WgXcQ: This video has been removed for violating YouTube's Community Guidelines"],
  [
    'never',
    'ERROR: [youtube] dQw4w9WgXcQ: Video unavailable. This video is no longer available because the YouTube account associated with this video has been terminated.',
  ],
  [
    'never',
    'ERROR: [youtube] dQw4w9WgXcQ: Join this channel to get access to members-only content like this video, and other exclusive perks.',
  ],
  [
    'never',
    "ERROR: [youtube] dQw4w9WgXcQ: This video is available to this channel's members on level: Fan (or any higher level). Join this channel to get access",
  ],
  [
    'never',
    `ERROR: [youtube] dQw4w9WgXcQ: Sign in to confirm your age. This video may be inappropriate for some users. ${login}`,
  ],
  ['never', 'ERROR: [youtube] dQw4w9WgXcQ: The uploader has not made this video available in your country'],
  [
    'never',
    'ERROR: [youtube] dQw4w9WgXcQ: Video unavailable. This video contains content from SME, who has blocked it in your country on copyright grounds',
  ],
  ['never', 'ERROR: [youtube] dQw4w9WgXcQ: This video is DRM protected'],
  ['never', 'ERROR: [youtube] dQw4w9WgXcQ: This video requires payment to watch'],
  [
    'never',
    'ERROR: [youtube:truncated_id] abc: Incomplete YouTube ID abc. URL https://www.youtube.com/watch?v=abc looks truncated.',
  ],

  [
    'set-up',
    'ERROR: [youtube] dQw4w9WgXcQ: Requested format is not available. Use --list-formats for a list of available formats',
  ],
  ['set-up', 'ERROR: Unsupported URL: http://127.0.0.1/watch?v=dQw4w9WgXcQ'],
  ['set-up', 'Usage: yt-dlp [OPTIONS] URL [URL...]\n\nyt-dlp: error: no such option: --js-runtimes'],
  [
    'set-up',
    "ERROR: [youtube] dQw4w9WgXcQ: Unable to download webpage: ('Unable to connect to proxy', NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused'))",
  ],
  ['set-up', "ERROR: '/tmp/cookies.txt' does not look like a Netscape format cookies file"],
]

describe('what yt-dlp says', () => {
  for (const [meaning, message] of messages)
    it(`means ${meaning}: ${message.slice(0, 100)}`, () => expect(verdictOf(message).meaning).to.equal(meaning))

  it('is judged by its errors, not by what it warns of on the way', () => {
    const warned = 'WARNING: [youtube] x: HTTP Error 429: Too Many Requests. Retrying (1/3)...\nERROR: [youtube] x: Private video'
    expect(verdictOf(warned)).to.deep.equal({ meaning: 'never', reason: '[youtube] x: Private video' })
  })

  it('is told in one line, without what is for those who run it by hand', () => {
    expect(verdictOf(`ERROR: [youtube] x: Sign in to confirm you’re not a bot. ${login}`).reason).to.equal(
      '[youtube] x: Sign in to confirm you’re not a bot',
    )
    expect(verdictOf(`ERROR: ${'x'.repeat(5_000)}`).reason).to.have.length(300)
    expect(verdictOf('ERROR: first\n  second\nTraceback (most recent call last):\n  File "x"').reason).to.equal('first second')
  })

  it('about our own set-up comes with what to do, also when there is a result', () => {
    const [runtime, challenge, ...others] = setUpWarnings(
      `WARNING: [youtube] No supported JavaScript runtime could be found. Only deno is enabled by default; ${wiki}\nWARNING: [youtube] x: n challenge solving failed: Some formats may be missing. ${wiki}\nWARNING: something else`,
    )
    expect(runtime!.remedy).to.contain('Node 22')
    expect(challenge!.remedy).to.contain('helpers update')
    expect(others).to.deep.equal([])
    for (const [meaning, message] of messages)
      expect(verdictOf(message).remedy !== undefined, message).to.equal(meaning === 'set-up')
  })

  it('about captions that are kept from us is seen', () => {
    const kept =
      'WARNING: [youtube] x: There are missing subtitles languages because a PO token was not provided. Automatic captions for 1 languages are missing.'
    expect([isKeptFromUs(kept), isKeptFromUs('WARNING: something else')]).to.deep.equal([true, false])
  })
})
