import { expect } from 'chai'
import { awaitHearing, beginHearing } from '#events/media.ts'
import { eventually } from '#test/kit/eventually.ts'
import { STUDY } from '#test/kit/histories.ts'
import { ADMIN_TOKEN, type InProcess, startInProcess } from './in-process.ts'
import { A_TIME, type Ask, asking, newVideo, type Person, problems, refusal, seen, someone, wrong } from './kit.ts'

const QUOTA = 3
const CONTEXT = { actor: null, correlationId: null }

describe('the study of a video', () => {
  let api: InProcess
  let worker: Ask
  let bob: Person
  before(async function () {
    this.timeout(60_000)
    api = await startInProcess({ media: { quota: QUOTA, silenceMs: 1_200_000 } })
    worker = asking(api.url, { token: ADMIN_TOKEN })
  })
  beforeEach(async () => {
    bob = await someone(api.url)
  })
  after(() => api?.stop())

  const noted = async () => {
    const videoId = newVideo()
    await bob.ask('POST', `/v2/videos/${videoId}/notes`, { json: { timestamp: '0:01' } })
    return videoId
  }
  const request = (videoId: string, json?: object, ask = bob.ask) => ask('POST', `/v2/videos/${videoId}/study`, { json })
  const requested = async (videoId: string, json?: object, ask = bob.ask) => {
    const answer = await request(videoId, json, ask)
    expect(answer.status, answer.body).to.equal(202)
    return answer.json()
  }
  const read = async (videoId: string, query = '') => {
    const answer = await bob.ask('GET', `/v2/videos/${videoId}/study${query}`)
    expect(answer.status, answer.body).to.equal(200)
    return answer.json()
  }
  const jobOf = async (videoId: string) =>
    (await api.db.query<{ job_id: number }>('t.job', 'select job_id from views.media where video_id = $1', [videoId]))[0]!.job_id
  /** What a worker does, on the newest job. */
  const worked = async (videoId: string, json: object) => {
    const answer = await worker('POST', `/v2/internal/media/${videoId}`, { json: { job_id: await jobOf(videoId), ...json } })
    expect(answer.status, answer.body).to.equal(200)
  }
  const NOTHING_YET = { step: null, progress: 0, languages: [] }
  const NOT_HERE = { flashcards: null, quiz: null, error: null }
  const NO_TRANSCRIPT = { available: false, origin: null, language: null }

  it('is none before anybody asked', async () => {
    const videoId = await noted()
    expect(await read(videoId)).to.deep.equal({
      ...{ video_id: videoId, status: 'none', ...NOTHING_YET, language: null, ...NOT_HERE, transcript: NO_TRANSCRIPT },
      ...{ requested_at: null, updated_at: null },
    })
  })

  it('is asked for, worked on and there, and who asks is told so at each moment', async () => {
    const videoId = await noted()
    expect(await requested(videoId)).to.deep.equal({ video_id: videoId, status: 'queued', ...NOTHING_YET, language: null })
    const queued = await read(videoId)
    expect(queued).to.deep.include({ status: 'queued', ...NOTHING_YET, ...NOT_HERE })
    for (const time of [queued.requested_at, queued.updated_at]) expect(time).to.match(A_TIME)
    await worked(videoId, { status: 'processing' })
    expect(await read(videoId)).to.include({ status: 'processing', step: null, progress: 0 })
    await worked(videoId, { status: 'processing', step: 'transcript', percent: 50 })
    expect(await read(videoId)).to.include({ status: 'processing', step: 'transcript', progress: 50 })
    const rows = [{ text: 'Heard.', offset: 0, duration: 1 }]
    await worked(videoId, { status: 'processing', transcript: { rows, language: 'hi' } })
    expect((await read(videoId)).transcript).to.deep.equal({ available: true, origin: 'speech', language: 'hi' })
    await worked(videoId, { status: 'completed', study: { ...STUDY, language: 'hi' } })
    const { flashcards, quiz } = STUDY
    const done = {
      status: 'completed',
      step: null,
      progress: 100,
      language: 'hi',
      languages: ['hi'],
      flashcards,
      quiz,
      error: null,
    }
    expect(await read(videoId)).to.deep.include(done)
    expect(await requested(videoId)).to.deep.include({ status: 'completed', progress: 100, language: 'hi', languages: ['hi'] })
    expect((await read(videoId)).requested_at).to.equal(queued.requested_at)
  })

  it('is the same for all who ask while one is under way: one job, and one of a day', async () => {
    const videoId = await noted()
    const eve = await someone(api.url)
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => requested(videoId, {}, n % 2 ? bob.ask : eve.ask)))
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).to.equal(1)
    const other = await requested(videoId, { language: 'hi' })
    expect(other, 'not in that language, and it says so').to.deep.equal(answers[0])
    const events = await api.db.query('t.events', 'select from log.events where stream = $1', [`media-${videoId}`])
    expect(events).to.have.length(1)
  })

  it('is told by language', async () => {
    const videoId = await noted()
    await requested(videoId, { language: 'en' })
    await worked(videoId, { status: 'completed', study: STUDY })
    expect(await requested(videoId, { language: 'pt-br' })).to.include({ status: 'queued', language: 'pt-BR' })
    expect(await read(videoId, '?language=EN')).to.deep.include({
      status: 'completed',
      language: 'en',
      flashcards: STUDY.flashcards,
    })
    const other = { status: 'queued', language: 'pt-BR', languages: ['en'], flashcards: null }
    expect(await read(videoId, '?language=pt-BR')).to.deep.include(other)
    expect(await read(videoId, '?language=fr')).to.include({
      status: 'none',
      language: 'fr',
      flashcards: null,
      requested_at: null,
    })
    expect(await read(videoId)).to.deep.include({ status: 'queued', language: 'en', flashcards: STUDY.flashcards })
    await worked(videoId, { status: 'completed', study: { ...STUDY, language: 'pt-BR' } })
    expect(await read(videoId)).to.deep.include({ status: 'completed', language: 'pt-BR', languages: ['pt-BR', 'en'] })
    expect(await requested(videoId, { language: 'en' })).to.include({ status: 'completed', language: 'en' })
  })

  it('says why there is none', async () => {
    const failed = await noted()
    await requested(failed)
    await worked(failed, { status: 'queued', error_message: 'told to stop' })
    expect(await read(failed), 'it goes on').to.include({ status: 'queued', error: null })
    await worked(failed, { status: 'failed', error_message: 'the video is private', permanent: true })
    expect(await read(failed)).to.include({ status: 'failed', progress: 0, error: 'the video is private' })
    expect(await requested(failed), 'a person may ask again').to.include({ status: 'queued' })
    const silent = await noted()
    await requested(silent)
    await worked(silent, { status: 'completed', missing: 'nothing is said' })
    expect(await read(silent)).to.include({ status: 'completed', progress: 100, flashcards: null, error: 'nothing is said' })
  })

  it('waits to be heard where nobody has captions, and does not when they come', async () => {
    const videoId = await noted()
    await api.execute(awaitHearing({ videoId }), CONTEXT)
    await eventually(async () => expect(await read(videoId)).to.include({ status: 'awaited' }))
    await worker('POST', `/v2/internal/videos/${videoId}/transcript`, { json: { transcript: [{ text: 'a caption' }] } })
    await api.execute(beginHearing({ videoId, perDay: 1 }), CONTEXT)
    await eventually(async () => expect(await read(videoId)).to.include({ status: 'none', error: null }))
    expect((await read(videoId)).transcript).to.deep.equal({ available: true, origin: 'captions', language: null })
  })

  it('may be had of as many videos as a day allows', async () => {
    const videos = await Promise.all(Array.from({ length: QUOTA + 2 }, noted))
    const answers = await Promise.all(videos.map((videoId) => request(videoId)))
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([202, 202, 202, 429, 429])
    const refused = answers.find(({ status }) => status === 429)!
    const { error } = refused.json()
    expect(error).to.deep.include({ code: 'RATE_LIMIT_EXCEEDED', message: `Daily limit reached (${QUOTA} videos/day)` })
    expect(error.details.reset_in_seconds).to.be.within(1, 86_400)
    expect(refused.header('retry-after')).to.equal(String(error.details.reset_in_seconds))
    const granted = videos[answers.findIndex(({ status }) => status === 202)]!
    expect((await request(granted)).status, 'one that is under way is free').to.equal(202)
  })

  it('is nothing of a video that nobody has mentioned', async () => {
    for (const method of ['GET', 'POST'])
      expect(seen(await bob.ask(method, `/v2/videos/${newVideo()}/study`))).to.deep.equal(refusal(404, 'Video not found'))
  })

  it('is asked for by users, and read by whoever may watch the video', async () => {
    const videoId = await noted()
    const guest = asking(api.url, { headers: { 'X-Guest-Session-ID': 'a guest' } })
    const stranger = asking(api.url)
    expect((await guest('GET', `/v2/videos/${videoId}/study`)).status).to.equal(200)
    expect((await (await someone(api.url)).ask('GET', `/v2/videos/${videoId}/study`)).status).to.equal(200)
    expect((await stranger('GET', `/v2/videos/${videoId}/study`)).status).to.equal(401)
    expect((await guest('POST', `/v2/videos/${videoId}/study`)).status).to.equal(401)
  })

  it('has an ETag that changes when something does, and with nothing else', async () => {
    const videoId = await noted()
    const path = `/v2/videos/${videoId}/study`
    const first = await bob.ask('GET', path)
    const known = { headers: { 'If-None-Match': first.header('etag')! } }
    expect(seen(await bob.ask('GET', path, known))).to.deep.equal([304, ''])
    expect((await bob.ask('GET', `${path}?language=fr`, known)).status).to.equal(200)
    await worker('POST', `/v2/internal/videos/${videoId}/transcript`, { json: { transcript: [{ text: 'a caption' }] } })
    const second = await bob.ask('GET', path, known)
    expect([second.status, second.json().transcript.available]).to.deep.equal([200, true])
    await requested(videoId)
    expect((await bob.ask('GET', path, { headers: { 'If-None-Match': second.header('etag')! } })).status).to.equal(200)
  })

  it('is asked for in a body, or in none', async () => {
    const videoId = await noted()
    const languages = [[{ language: 'x!' }], [{ language: 'english' }], [{ language: `en-${'x'.repeat(8)}-`.repeat(9) }]]
    for (const [json] of languages)
      expect(problems(await request(videoId, json))).to.deep.equal([
        wrong('body.language', 'language must be a tag such as en or pt-BR'),
      ])
    expect(problems(await bob.ask('GET', `/v2/videos/${videoId}/study?language=`))).to.deep.equal([
      wrong('query.language', 'language must be a tag such as en or pt-BR'),
    ])
    for (const json of [undefined, {}, { language: null }]) await requested(videoId, json)
  })
})
