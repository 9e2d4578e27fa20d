import { expect } from 'chai'
import { pino } from 'pino'
import { command, emit } from '#events/kit/command.ts'
import type { NewEvent } from '#events/kit/envelope.ts'
import { scheduleTask, usualPolicy } from '#events/task.ts'
import { MetadataStored, SummaryStored, TranscriptStored, VideoAdded, videos } from '#events/video.ts'
import { remoteKeys } from '#platform/oidc/keys.ts'
import { youtubeSearch } from '#platform/youtube/search.ts'
import { googleCredentials } from '#services/api/auth/google.ts'
import { routes } from '#services/api/routes/index.ts'
import { eventually } from '#test/kit/eventually.ts'
import { CLIENT_ID, type Issuer, startIssuer } from '#test/kit/issuer.ts'
import { KEY, startYouTube, type YouTube } from '#test/kit/youtube.ts'
import { ADMIN_TOKEN, type InProcess, startInProcess } from './in-process.ts'
import { asking, claimsOf, refusal, seen, someone } from './kit.ts'

describe('the answers of the API', () => {
  let api: InProcess
  let issuer: Issuer
  let youtube: YouTube
  before(async function () {
    this.timeout(60_000)
    issuer = await startIssuer()
    const keys = remoteKeys({ url: issuer.url, log: pino({ level: 'silent' }) })
    youtube = await startYouTube()
    youtube.videos = [{ videoId: 'searchedFor', title: 'A title' }]
    const search = youtubeSearch({ url: youtube.url, key: KEY })
    api = await startInProcess({ readGoogleCredential: googleCredentials({ clientId: CLIENT_ID, keys }), search })
  })
  after(async () => {
    await api?.stop()
    await issuer?.close()
    await youtube?.close()
  })

  const happened = (videoId: string, ...events: NewEvent[]) => {
    const reads = { video: videos.of(videoId) }
    return api.execute(command({ name: 'happened', reads, decide: () => emit(events, {}) }), { actor: null, correlationId: null })
  }

  it('are what the routes declare, each of them, in every shape', async () => {
    const bob = await someone(api.url)
    const video = 'dQw4w9WgXcQ'
    const note = async () =>
      (await bob.ask('POST', `/v2/videos/${video}/notes`, { json: { timestamp: '0:01' } })).json().id as number
    const id = await note()
    const empty = await note()
    await happened(
      video,
      MetadataStored({ videoId: video, metadata: '{"b":1,"a":{"2":[null]}}' }),
      SummaryStored({ videoId: video, summary: 's' }),
    )
    const talk = (await bob.ask('POST', '/v2/conversations', { json: { video_id: video } })).json().id as number
    const { email, password } = bob
    const other = 'aaaaaaaaaaa'
    const schedule = scheduleTask({ kind: 'metadata', videoId: other, policy: usualPolicy })
    await happened(other, VideoAdded({ videoId: other, id: 1_000_000, title: null }))
    await api.execute(schedule, { actor: null, correlationId: null })
    const calls: [string, string, unknown?][] = [
      ['POST', '/v2/auth/register', { email: 'new@example.com', password, name: 'New' }],
      ['POST', '/v2/auth/login', { email, password }],
      ['POST', '/v2/auth/google', { credential: issuer.credential() }],
      ['GET', '/v2/users/me'],
      ['GET', '/v2/payments/products'],
      ['POST', '/v2/auth/tokens'],
      ['GET', '/v2/users/me'],
      ['PATCH', '/v2/users/me', { name: 'Other', ai_notes_enabled: true }],
      ['DELETE', '/v2/auth/tokens'],
      ['POST', `/v2/videos/${video}/notes`, { timestamp: '0:01', text: 'x', video_title: 'T' }],
      ['POST', '/v2/notes/by-title', { video_title: 'A title', timestamp: '0:01' }],
      ['GET', `/v2/videos/${video}/notes`],
      ['GET', `/v2/notes/${id}`],
      ['PATCH', `/v2/notes/${id}`, { text: 'x', generated_by_ai: true }],
      ['GET', '/v2/videos?sort=title_desc&q=t'],
      ['GET', '/v2/videos'],
      ['GET', `/v2/videos/${video}`],
      ['GET', `/v2/videos/${video}/stream`],
      ['POST', `/v2/videos/${video}/study`, { language: 'en' }],
      ['GET', `/v2/videos/${video}/study`],
      ['DELETE', `/v2/notes/${id}`],
      ['POST', '/v2/conversations', { video_id: video }],
      ['GET', `/v2/conversations/${talk}`],
      ['GET', `/v2/conversations/${talk}/messages`],
      ['POST', `/v2/conversations/${talk}/messages`, { message: 'x' }],
      ['POST', `/v2/internal/videos/${video}/transcript`, { transcript: [{ text: 'x' }] }],
      ['POST', `/v2/internal/videos/${video}/metadata`, { metadata: {} }],
      ['POST', `/v2/internal/videos/${video}/summary`, { summary: 's' }],
      ['GET', `/v2/internal/videos/${video}`],
      ['PATCH', `/v2/internal/notes/${empty}`, { text: '' }],
      ['GET', `/v2/internal/videos/${video}/ai-notes`],
      ['GET', '/v2/internal/tasks?type=metadata&timeout=20'],
      ['POST', '/v2/internal/tasks/1/result', { video_id: other, success: true, metadata: { a: 1 } }],
      ['POST', `/v2/internal/media/${video}`, { status: 'processing' }],
      ['GET', '/v2/internal/metrics'],
      ['GET', '/health'],
    ]
    const asked = new Set<string>()
    for (const [method, path, json] of calls) {
      const answer = await bob.ask(method, path, { json, ...(path.startsWith('/v2/internal') && { token: ADMIN_TOKEN }) })
      expect(answer.status, `${method} ${path} ${answer.body} ${api.lines.at(-2)}`).to.be.within(200, 202)
      asked.add(
        `${method} ${path
          .replace(video, ':video_id')
          .replace(/notes\/\d+$/, 'notes/:note_id')
          .replace(/tasks\/\d+/, 'tasks/:task_id')
          .replace(/conversations\/\d+/, 'conversations/:conversation_id')
          .replace(/\?.*/, '')}`,
      )
    }
    expect([...asked].sort(), 'every route was asked').to.deep.equal(routes.map(({ method, path }) => `${method} ${path}`).sort())
  })

  it('have metadata to the letter, a transcript only with rows, and move updated_at with a change', async () => {
    const bob = await someone(api.url)
    const video = 'videoWthAll'
    await bob.ask('POST', `/v2/videos/${video}/notes`, { json: { timestamp: '0:01', video_title: 'T' } })
    const metadata = '{"n":12345678901234567890,"1":"b","0":"a","é":"\\u0000","f":1.50}'
    const read = async () => (await bob.ask('GET', `/v2/videos/${video}`)).body
    const before = JSON.parse(await read())
    const stored = (rows: number) => TranscriptStored({ videoId: video, s3Key: 'k', rows, sizeBytes: 2, sha256: 'x' })
    await eventually(() => expect(Date.now()).to.be.greaterThan(Date.parse(before.created_at.replace('+0000', 'Z')) + 1000))
    await happened(video, stored(0))
    await happened(video, MetadataStored({ videoId: video, metadata }), SummaryStored({ videoId: video, summary: '' }))
    await eventually(async () =>
      expect(await read()).to.include(`"metadata":${metadata},"transcript_available":false,"summary":""`),
    )
    expect(JSON.parse(await read()).updated_at > before.updated_at).to.equal(true)
    await happened(video, stored(3))
    await eventually(async () => expect(JSON.parse(await read()).transcript_available).to.equal(true))
    expect((await bob.ask('GET', '/v2/videos')).body).to.equal(
      `{"videos":[{"video_id":"${video}","title":"T","metadata":${metadata}}],"total":1,"page":1,"per_page":10,"total_pages":1}`,
    )
  })

  it('to a login come from the log, also when its state was kept by an older version of the code', async () => {
    const { id, email, password } = await someone(api.url)
    await api.db.query('t.older', `insert into log.snapshots values ($1, 1, 0, '{"mail":"x"}')`, [`user-${id}`])
    const login = await asking(api.url)('POST', '/v2/auth/login', { json: { email, password } })
    expect(login.status).to.equal(200)
    expect(claimsOf(login.json().token)).to.include({ user_id: id, email })
  })
})

describe('while the views stand still, the API', () => {
  let api: InProcess
  before(async function () {
    this.timeout(60_000)
    api = await startInProcess({ isProjecting: false })
  })
  after(() => api?.stop())

  it('writes, and says that what was written cannot be seen yet', async () => {
    const bob = await someone(api.url)
    const json = { timestamp: '0:01' }
    const answer = await bob.ask('POST', '/v2/videos/dQw4w9WgXcQ/notes', { json })
    expect([answer.status, answer.header('vidwiz-visible')]).to.deep.equal([201, 'false'])
    expect((await bob.ask('GET', '/v2/videos/dQw4w9WgXcQ/notes')).body, 'it told the truth').to.equal('[]')
    const { id } = answer.json()
    const same = await bob.ask('PATCH', `/v2/notes/${id}`, { json: { generated_by_ai: false } })
    expect([same.status, same.header('vidwiz-visible')], 'what it answers cannot be seen either').to.deep.equal([200, 'false'])
    expect((await bob.ask('DELETE', `/v2/notes/${id}`)).status, 'decided on the log').to.equal(200)
    expect((await bob.ask('DELETE', `/v2/notes/${id}`)).status).to.equal(404)
    expect((await bob.ask('GET', '/health')).status).to.equal(200)
  })

  it('takes a long-term token as soon as it is issued, and no longer than until it is revoked', async () => {
    const bob = await someone(api.url)
    const { token } = (await bob.ask('POST', '/v2/auth/tokens')).json()
    const take = () => asking(api.url, { token })('POST', '/v2/videos/dQw4w9WgXcQ/notes', { json: { timestamp: '0:01' } })
    expect((await take()).status).to.equal(201)
    expect((await bob.ask('DELETE', '/v2/auth/tokens')).status).to.equal(200)
    expect(seen(await take())).to.deep.equal(refusal(401, 'Invalid or revoked long-term token'))
  })
})
