import { expect } from 'chai'
import { eventually } from '#test/kit/eventually.ts'
import { KEY, startYouTube, type YouTube } from '#test/kit/youtube.ts'
import { asking, newVideo, type Person, problems, refusal, required, seen, system, wrong } from './kit.ts'

const UNKNOWN = refusal(404, 'No video found for the provided title')
const FAILED = [
  502,
  '{"error":{"code":"BAD_GATEWAY","message":"YouTube cannot be searched at the moment, please try again","details":null}}',
]

describe('POST /v2/notes/by-title', () => {
  let youtube: YouTube
  const api = system(async () => {
    youtube = await startYouTube()
    return { YOUTUBE_API_KEY: KEY, YOUTUBE_API_URL: `${youtube.url}/` }
  })
  let bob: Person
  before(async () => {
    bob = await api.someone()
  })
  after(() => youtube?.close())
  beforeEach(() => {
    youtube.asked.length = 0
    youtube.mood = 'well'
  })

  let titles = 0
  /** A video that YouTube finds, after one with another title. */
  const onYouTube = (title = `The ${++titles}th of its kind`) => {
    const videoId = newVideo()
    youtube.videos = [
      { videoId: newVideo(), title: `${title} (reaction)` },
      { videoId, title },
    ]
    return { videoId, title }
  }
  const take = (json: unknown, headers = {}, ask = bob.ask) => ask('POST', '/v2/notes/by-title', { json, headers })

  it('takes the note on the video that has this very title', async () => {
    const { videoId, title } = onYouTube('Tom &amp; Jerry&#39;s 1st')
    const answer = await take({ video_title: "Tom & Jerry's 1st", timestamp: '1:23', text: ' x ' })
    const { id, created_at } = answer.json()
    expect(seen(answer)).to.deep.equal([
      201,
      `{"id":${id},"video_id":"${videoId}","timestamp":"1:23","text":"x","generated_by_ai":false,"created_at":"${created_at}","updated_at":"${created_at}","user_id":${bob.id}}`,
    ])
    expect(answer.header('etag')).to.match(new RegExp(`^"note-${id}@1~[\\w-]{8}"$`))
    expect((await bob.ask('GET', `/v2/videos/${videoId}`)).json().title).to.equal("Tom & Jerry's 1st")
    expect(title).to.include('&amp;')
  })

  it('does not mind case, blanks, and what a browser adds to a title', async () => {
    const { videoId } = onYouTube('The same Title')
    const given = [
      '(12) The same title - YouTube',
      '  The  SAME\u00a0title ',
      '(13) The same title',
      'ＴＨＥ same title',
      'the SAME TİTLE',
    ]
    for (const as of given) {
      const answer = await take({ video_title: as, timestamp: '1:23' })
      expect([answer.status, answer.json().video_id], as).to.deep.equal([201, videoId])
    }
    expect(youtube.asked, 'asked once for all of them').to.have.length(1)
  })

  it('finds one whose own title looks like what a browser adds', async () => {
    for (const title of ['(3) Ways to win', 'How we built - YouTube']) {
      const { videoId } = onYouTube(title)
      const answer = await take({ video_title: title, timestamp: '1:23' })
      expect([answer.status, answer.json().video_id], title).to.deep.equal([201, videoId])
      const bare = title.replace(/^\(3\) | - YouTube$/g, '')
      expect(seen(await take({ video_title: bare, timestamp: '1:23' })), 'another title').to.deep.equal(UNKNOWN)
    }
  })

  it('never takes it on a video that is only like it', async () => {
    const { title } = onYouTube()
    for (const like of [`${title}!`, title.slice(4), `${title} (live)`])
      expect(seen(await take({ video_title: like, timestamp: '1:23' })), like).to.deep.equal(UNKNOWN)
    youtube.videos = []
    expect(seen(await take({ video_title: 'nothing at all', timestamp: '1:23' }))).to.deep.equal(UNKNOWN)
    const asked = youtube.asked.length
    for (const hopeless of ['No YouTube video title found.', 'No YouTube video found.', 'YouTube', 'x'.repeat(201), ' - YouTube'])
      expect(seen(await take({ video_title: hopeless, timestamp: '1:23' }))).to.deep.equal(UNKNOWN)
    expect(youtube.asked.length, 'YouTube is not asked in vain').to.equal(asked)
  })

  it('lets phones in with a long-term token, and nobody without one', async () => {
    const { videoId, title } = onYouTube()
    const { token } = (await bob.ask('POST', '/v2/auth/tokens')).json()
    const phone = asking(api.stack.url, { token })
    expect((await take({ video_title: title, timestamp: '1:23' }, {}, phone)).json().video_id).to.equal(videoId)
    expect((await take({ video_title: title, timestamp: '1:23' }, {}, api.ask)).status).to.equal(401)
  })

  it('names all that is wrong', async () => {
    expect(problems(await take({}))).to.deep.equal([required('body.video_title'), required('body.timestamp')])
    expect(problems(await take({ video_title: ' \n', timestamp: '12' }))).to.deep.equal([
      wrong('body.video_title', 'video_title cannot be empty'),
      wrong('body.timestamp', "timestamp must contain at least one ':'"),
    ])
    expect(youtube.asked).to.deep.equal([])
  })

  it('says so when YouTube cannot be asked, and asks again the next time', async () => {
    const { title } = onYouTube()
    for (const mood of ['exhausted', 'babbling', 'elsewhere'] as const) {
      youtube.mood = mood
      expect(seen(await take({ video_title: title, timestamp: '1:23' })), mood).to.deep.equal(FAILED)
    }
    await eventually(() => expect(api.stack.output.join()).to.include('quotaExceeded'))
    expect(api.stack.output.join()).not.to.include(KEY)
    youtube.mood = 'well'
    expect((await take({ video_title: title, timestamp: '1:23' })).status).to.equal(201)
  })

  it('asks YouTube once for a title, however many want it, and remembers what it found', async () => {
    const { title } = onYouTube()
    const answers = await Promise.all(Array.from({ length: 8 }, () => take({ video_title: title, timestamp: '1:23' })))
    expect(answers.map(({ status }) => status)).to.deep.equal(Array(8).fill(201))
    expect(youtube.asked).to.have.length(1)
  })

  it('gives the same answer again under one Idempotency-Key, whatever YouTube finds by then', async () => {
    const { title } = onYouTube()
    const once = { 'Idempotency-Key': 'once' }
    const first = await take({ video_title: title, timestamp: '1:23' }, once)
    youtube.mood = 'exhausted'
    const again = await take({ video_title: title, timestamp: '1:23' }, once)
    expect([...seen(again), again.header('idempotency-replayed')]).to.deep.equal([...seen(first), 'true'])
  })
})

describe('POST /v2/notes/by-title in public', () => {
  let youtube: YouTube
  const api = system(async () => {
    youtube = await startYouTube()
    return { YOUTUBE_API_KEY: KEY, YOUTUBE_API_URL: youtube.url, RATE_LIMIT_DISABLED: '', RATE_LIMIT_TITLE: '3/86400' }
  })
  after(() => youtube?.close())

  it('lets nobody use up what YouTube allows us all, but ask as often as he likes for what is known', async () => {
    const [bob, eve] = [await api.someone(), await api.someone()]
    const take = (video_title: string, who = bob) =>
      who.ask('POST', '/v2/notes/by-title', { json: { video_title, timestamp: '0:01' } })
    youtube.videos = [1, 2, 3, 4].map((n) => ({ videoId: newVideo(), title: `title ${n}` }))
    for (const n of [1, 2, 3]) expect((await take(`title ${n}`)).status).to.equal(201)
    const refused = await take('title 4')
    expect([refused.status, refused.json().error.code]).to.deep.equal([429, 'RATE_LIMIT_EXCEEDED'])
    expect(youtube.asked).to.have.length(3)
    for (const n of [1, 2, 3, 3]) expect((await take(`title ${n}`)).status).to.equal(201)
    expect((await take('title 4', eve)).status).to.equal(201)
    expect((await take('title 4')).status, 'by now it is known').to.equal(201)
  })
})

describe('POST /v2/notes/by-title without a key for YouTube', () => {
  const api = system(() => ({ AI_NOTES_AT_SIGN_UP: '1' }))

  it('says that it cannot', async () => {
    const bob = await api.someone()
    const answer = await bob.ask('POST', '/v2/notes/by-title', { json: { video_title: 'x', timestamp: '1:23' } })
    expect(seen(answer)).to.deep.equal([
      500,
      '{"error":{"code":"INTERNAL_ERROR","message":"YouTube API key not configured","details":null}}',
    ])
  })

  it('(and with AI notes at sign-up) gives new accounts notes by AI', async () => {
    const bob = await api.someone()
    expect((await bob.ask('GET', '/v2/users/me')).json().ai_notes_enabled).to.equal(true)
  })
})
