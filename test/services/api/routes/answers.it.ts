import { expect } from 'chai'
import { command, emit } from '#events/kit/command.ts'
import type { NewEvent } from '#events/kit/envelope.ts'
import { MetadataStored, SummaryStored, TranscriptStored, videos } from '#events/video.ts'
import { isWrite } from '#services/api/openapi/kinds.ts'
import { routes } from '#services/api/routes/index.ts'
import { eventually } from '#test/kit/eventually.ts'
import { granting, nameOf } from './granted.ts'
import { type InProcess, startInProcess } from './in-process.ts'
import { asking, claimsOf, refusal, seen, someone } from './kit.ts'

describe('the answers of the API', () => {
  const granted = granting()
  let api: InProcess
  before(() => {
    api = granted.api
  })

  const happened = (videoId: string, ...events: NewEvent[]) => {
    const reads = { video: videos.of(videoId) }
    return api.execute(command({ name: 'happened', reads, decide: () => emit(events, {}) }), { actor: null, correlationId: null })
  }

  // `ask` holds each answer against the description, and the API checks the order of its keys.
  for (const route of routes)
    it(`to ${nameOf(route)} are what the route declares`, async () => {
      const { method, path, json, ask } = await granted.wishFor(route)
      const answer = await ask(method, path, { json })
      expect(answer.status, `${answer.body} ${api.lines.at(-2)}`).to.be.within(200, 202)
    })

  for (const route of routes.filter(isWrite))
    it(`to ${nameOf(route)} depend on If-Match if the route says so, and only then`, async () => {
      const { method, path, json, ask } = await granted.wishFor(route)
      const status = async (ifMatch: string) => (await ask(method, path, { json, headers: { 'If-Match': ifMatch } })).status
      if (route.spec.takesIfMatch) {
        expect([await status('no tag'), await status('"another"')]).to.deep.equal([400, 412])
        expect(await status('*')).to.be.within(200, 202)
      } else expect(await status('"another"')).to.be.within(200, 202)
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
