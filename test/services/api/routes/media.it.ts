import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { requestStudy } from '#events/media.ts'
import { STUDY } from '#test/kit/histories.ts'
import { ADMIN_TOKEN, type InProcess, startInProcess } from './in-process.ts'
import { type Ask, asking, newVideo, type Person, problems, refusal, seen, someone, wrong } from './kit.ts'

const ROWS = [
  { text: 'Hello there.', offset: 0, duration: 1.5 },
  { text: 'This was heard.', offset: 1.5, duration: 2 },
]
const CAPTIONS = [{ text: 'a caption', offset: 0, duration: 1 }]
const NO_JOB = refusal(404, 'There is no such job')
const sha = (text: string) => createHash('sha256').update(text).digest('hex')

describe('the reports of media workers', () => {
  let api: InProcess
  let worker: Ask
  let bob: Person
  before(async function () {
    this.timeout(60_000)
    api = await startInProcess()
    worker = asking(api.url, { token: ADMIN_TOKEN })
    bob = await someone(api.url)
  })
  after(() => api?.stop())

  const noted = async (video_title?: string) => {
    const videoId = newVideo()
    await bob.ask('POST', `/v2/videos/${videoId}/notes`, { json: { timestamp: '0:01', video_title } })
    return videoId
  }
  /** A job that somebody asked for. */
  const requested = async (language?: string, correlationId = 'a request') => {
    const videoId = await noted()
    const request = requestStudy({ videoId, userId: bob.id, language, quota: 1_000_000 })
    const { result } = await api.execute(request, { actor: `user-${bob.id}`, correlationId })
    return { videoId, jobId: result.jobId }
  }
  const report = (videoId: string | number, json: object, headers?: Record<string, string>) =>
    worker('POST', `/v2/internal/media/${videoId}`, { json, ...(headers && { headers }) })
  const said = async (videoId: string | number, json: object) => {
    const answer = await report(videoId, json)
    expect(answer.status, answer.body).to.equal(200)
    return answer.json()
  }
  const eventsOf = (stream: string) =>
    api.db.query<{ type: string; data: string; correlation_id: string; causation_id: string; id: string }>(
      't.media',
      `select type, data, correlation_id, causation_id, id from log.events where stream = $1 order by version`,
      [stream],
    )
  const typesOf = async (stream: string) => (await eventsOf(stream)).map(({ type }) => type)
  const video = async (videoId: string) => (await worker('GET', `/v2/internal/videos/${videoId}`)).json()
  const object = (name: string) => readFileSync(join(api.objectsFolder, 'transcripts', name), 'utf8')

  it('tell the worker all that it needs, to the letter', async () => {
    const { videoId, jobId } = await requested('pt-BR')
    await worker('POST', `/v2/internal/videos/${videoId}/metadata`, { json: { metadata: { title: 'Found', duration: 61 } } })
    const answer = await report(videoId, { status: 'processing', job_id: jobId, and: 'more' })
    expect(seen(answer)).to.deep.equal([
      200,
      `{"video_id":"${videoId}","job_id":${jobId},"status":"processing","wanted":true,"language":"pt-BR","title":"Found","duration_seconds":61,"transcript":null,"studies":[]}`,
    ])
    await worker('POST', `/v2/internal/videos/${videoId}/transcript`, { json: { transcript: CAPTIONS } })
    expect((await said(videoId, { status: 'processing', job_id: jobId })).transcript).to.deep.equal({
      s3_key: `transcripts/${videoId}.json`,
      sha256: sha(JSON.stringify(CAPTIONS)),
      rows: 1,
      origin: 'captions',
      language: null,
    })
  })

  it('show what comes of a job in the log: who asked, and what led to what', async () => {
    const { videoId, jobId } = await requested()
    const [asked] = await eventsOf(`media-${videoId}`)
    // A worker that hands on what its message told it, and one that does not.
    await report(videoId, { status: 'processing', job_id: jobId }, { 'X-Request-ID': 'a request', 'X-Causation-ID': asked!.id })
    await said(videoId, { status: 'processing', job_id: jobId, step: 'transcript', percent: 1.5, error_message: null })
    await said(videoId, { status: 'processing', job_id: jobId, transcript: { rows: ROWS, language: 'EN', model: 'large-v3' } })
    await said(videoId, { status: 'completed', job_id: jobId, study: STUDY })
    const events = await eventsOf(`media-${videoId}`)
    expect(events.map(({ type }) => type)).to.deep.equal([
      ...['MediaProcessingRequested', 'MediaProcessingStarted'],
      ...['MediaProgressed', 'MediaProgressed', 'MediaProcessed'],
    ])
    for (const [n, { correlation_id, causation_id }] of events.entries())
      expect([correlation_id, causation_id]).to.deep.equal(['a request', n === 0 ? null : events[n - 1]!.id])
    const [stored] = (await eventsOf(`video-${videoId}`)).filter(({ type }) => type === 'TranscriptStored')
    expect([stored!.correlation_id, stored!.causation_id]).to.deep.equal(['a request', events[2]!.id])
    expect(JSON.parse(stored!.data)).to.deep.equal({
      videoId,
      s3Key: `transcripts/${videoId}.json`,
      rows: 2,
      sizeBytes: JSON.stringify(ROWS).length,
      sha256: sha(JSON.stringify(ROWS)),
      endSeconds: 3.5,
      origin: 'speech',
      language: 'en',
      model: 'large-v3',
    })
  })

  it('make what was heard the transcript of the video, in the very rows of the contract', async () => {
    const { videoId, jobId } = await requested()
    const rows = [{ ...ROWS[0], text: ' Hello there. ', more: 1 }, { text: ' ', offset: 1, duration: 0.2 }, ROWS[1]]
    const job = await said(videoId, { status: 'processing', job_id: jobId, transcript: { rows } })
    expect(object(`${videoId}.json`)).to.equal(JSON.stringify(ROWS))
    expect(job.transcript).to.include({ sha256: sha(JSON.stringify(ROWS)), rows: 2, origin: 'speech', language: null })
    expect(await video(videoId)).to.include({ transcript_available: true })
    const again = await said(videoId, { status: 'processing', job_id: jobId, transcript: { rows } })
    expect(again).to.deep.equal(job)
    expect(await typesOf(`video-${videoId}`)).to.deep.equal(['VideoAdded', 'TranscriptStored'])
  })

  it('never put what was heard in the place of captions: it lies beside them', async () => {
    const { videoId, jobId } = await requested()
    await worker('POST', `/v2/internal/videos/${videoId}/transcript`, { json: { transcript: CAPTIONS } })
    const job = await said(videoId, { status: 'processing', job_id: jobId, transcript: { rows: ROWS } })
    expect(job.transcript).to.include({ sha256: sha(JSON.stringify(CAPTIONS)), origin: 'captions' })
    expect(object(`${videoId}.json`)).to.equal(JSON.stringify(CAPTIONS))
    expect(object(`${videoId}.aside.json`)).to.equal(JSON.stringify(ROWS))
  })

  it('are not followed by captions in the place of what was heard, unless an operator says so', async () => {
    const { videoId, jobId } = await requested()
    await said(videoId, { status: 'processing', job_id: jobId, transcript: { rows: ROWS } })
    const store = (json: object) => worker('POST', `/v2/internal/videos/${videoId}/transcript`, { json })
    const headers = { 'Idempotency-Key': 'captions' }
    const first = await worker('POST', `/v2/internal/videos/${videoId}/transcript`, { json: { transcript: CAPTIONS }, headers })
    expect(first.status).to.equal(200)
    expect([object(`${videoId}.json`), object(`${videoId}.aside.json`)]).to.deep.equal(
      [ROWS, CAPTIONS].map((x) => JSON.stringify(x)),
    )
    expect((await store({ transcript: [], replace: true })).status).to.equal(200)
    expect(object(`${videoId}.json`), 'not by nothing').to.equal(JSON.stringify(ROWS))
    expect((await store({ transcript: CAPTIONS, replace: true })).status).to.equal(200)
    expect(object(`${videoId}.json`)).to.equal(JSON.stringify(CAPTIONS))
    const later = [{ text: 'later captions' }]
    await store({ transcript: later })
    const replayed = await worker('POST', `/v2/internal/videos/${videoId}/transcript`, {
      json: { transcript: CAPTIONS },
      headers,
    })
    expect(replayed.header('idempotency-replayed')).to.equal('true')
    expect(object(`${videoId}.json`), 'what was done before is not done again').to.equal(JSON.stringify(later))
  })

  it('may tell that nothing was said', async () => {
    const { videoId, jobId } = await requested()
    expect(await said(videoId, { status: 'processing', job_id: jobId, transcript: { rows: [] } })).to.include({
      transcript: null,
    })
    const job = await said(videoId, { status: 'completed', job_id: jobId, missing: 'nothing is said' })
    expect(job).to.deep.include({ status: 'completed', wanted: false, studies: [] })
    expect(await video(videoId)).to.include({ transcript_available: false })
  })

  it('end a job with what was made of it', async () => {
    const { videoId, jobId } = await requested()
    const audio = { s3_key: `audio/${videoId}.mp3`, size_bytes: 12, sha256: 'a'.repeat(64) }
    const spaced = STUDY.flashcards.map(({ front, back }) => ({ front: ` ${front}`, back: `${back}\n` }))
    const study = { ...STUDY, flashcards: spaced, model: 'm' }
    const job = await said(videoId, { status: 'completed', job_id: jobId, audio, study })
    expect(job).to.deep.include({ status: 'completed', wanted: false, studies: ['en'] })
    const [, ended] = await eventsOf(`media-${videoId}`)
    expect(JSON.parse(ended!.data)).to.deep.equal({
      ...{ videoId, jobId },
      audio: { s3Key: audio.s3_key, sizeBytes: 12, sha256: audio.sha256 },
      study: { ...STUDY, model: 'm' },
    })
    expect(await said(videoId, { status: 'processing', job_id: jobId, step: 'study', percent: 1 })).to.include({ wanted: false })
  })

  it('give a job back, or end it; why is kept fit to be read', async () => {
    const { videoId, jobId } = await requested()
    await said(videoId, { status: 'processing', job_id: jobId })
    const back = { status: 'queued', job_id: jobId, error_message: `told to stop\0${'x'.repeat(2_000)}` }
    expect(await said(videoId, back)).to.include({ status: 'queued', wanted: true })
    expect(await said(videoId, { status: 'failed', job_id: jobId })).to.include({ status: 'failed', wanted: false })
    expect(await said(videoId, { status: 'processing', job_id: jobId }), 'its message came late').to.include({ wanted: true })
    const gone = {
      status: 'failed',
      job_id: jobId,
      error_message: 'ERROR: [youtube] x: Private video. Sign in if you have been granted access',
    }
    expect(await said(videoId, gone)).to.include({ status: 'failed' })
    expect(await said(videoId, { status: 'processing', job_id: jobId }), 'for good').to.include({ wanted: false })
    const causes = (await eventsOf(`media-${videoId}`)).map(({ data }) => JSON.parse(data).cause).filter(Boolean)
    expect(causes.map((cause: string) => cause.length)).to.deep.equal([
      1_000,
      'no reason given'.length,
      gone.error_message.length,
    ])
    expect(causes[0]).to.match(/^told to stopx+$/)
  })

  it('begin a job where the message named none', async () => {
    const videoId = await noted()
    const { job_id, wanted } = await said(videoId, { status: 'processing' })
    expect([wanted, await typesOf(`media-${videoId}`)]).to.deep.equal([
      true,
      ['MediaProcessingRequested', 'MediaProcessingStarted'],
    ])
    expect((await said(videoId, { status: 'processing' })).job_id, 'its message came twice').to.equal(job_id)
    await said(videoId, { status: 'completed', job_id, study: STUDY })
    expect(await said(videoId, { status: 'processing' }), 'and once more').to.include({ job_id, wanted: false })
  })

  it('name a video by the number that it has here, too', async () => {
    const { videoId, jobId } = await requested()
    const { id } = await video(videoId)
    expect(await said(id, { status: 'processing', job_id: jobId })).to.include({ video_id: videoId, job_id: jobId })
    expect(seen(await report(999_999, { status: 'processing' }))).to.deep.equal(refusal(404, 'Video not found'))
    expect(seen(await report('12345678901', { status: 'processing' })), '11 digits are an id').to.deep.equal(
      refusal(404, 'Video not found'),
    )
    for (const wrongId of ['0', '-1', '1.5', '1e3', 'x'])
      expect(problems(await report(wrongId, { status: 'processing' })), wrongId).to.deep.equal([
        wrong('path.video_id', 'video_id must be a valid YouTube video ID'),
      ])
  })

  it('are refused of a job that there is not, and nothing is stored', async () => {
    const { videoId, jobId } = await requested()
    const transcript = { rows: ROWS }
    for (const json of [
      { status: 'processing' },
      { status: 'processing', transcript },
      { status: 'completed' },
      { status: 'failed' },
    ])
      expect(seen(await report(videoId, { ...json, job_id: jobId + 1_000 }))).to.deep.equal(NO_JOB)
    expect(() => object(`${videoId}.json`)).to.throw('ENOENT')
    expect(await typesOf(`media-${videoId}`)).to.deep.equal(['MediaProcessingRequested'])
  })

  it('are refused when they are not as they must be', async () => {
    const { videoId, jobId } = await requested()
    const five = STUDY.flashcards
    const [question, ...others] = STUDY.quiz
    const of = { status: 'completed', job_id: jobId }
    const quiz = (but: object) => ({ ...of, study: { ...STUDY, quiz: [{ ...question, ...but }, ...others] } })
    const cards = (flashcards: unknown) => ({ ...of, study: { ...STUDY, flashcards } })
    const rows = (...rows: unknown[]) => ({ status: 'processing', job_id: jobId, transcript: { rows } })
    const row = { text: 'a', offset: 1, duration: 1 }
    const bad: [object, string][] = [
      [{}, 'status'],
      [{ status: 'done' }, 'status'],
      [{ status: 'completed' }, 'job_id'],
      [{ status: 'processing', job_id: 'x' }, 'job_id'],
      [{ status: 'processing', job_id: jobId, step: 'sleep', percent: 1 }, 'step'],
      [{ status: 'processing', job_id: jobId, step: 'audio' }, 'percent'],
      [{ status: 'processing', job_id: jobId, step: 'audio', percent: 101 }, 'percent'],
      [{ status: 'processing', step: 'audio', percent: 1 }, 'job_id'],
      [{ ...of, transcript: { rows: [row] } }, 'transcript'],
      [cards(five.slice(1)), 'study.flashcards'],
      [cards([...five, ...five, ...five]), 'study.flashcards'],
      [cards([{ front: ' ', back: 'b' }, ...five]), 'study.flashcards.0.front'],
      [cards([{ front: 'x'.repeat(2_001), back: 'b' }, ...five]), 'study.flashcards.0.front'],
      [cards([{ front: 'a\0', back: 'b' }, ...five]), 'study.flashcards.0.front'],
      [quiz({ options: ['a', 'b', 'c'] }), 'study.quiz.0.options'],
      [quiz({ options: ['a', 'b', 'c', ' a '] }), 'study.quiz.0.options'],
      [quiz({ correct_answer: 4 }), 'study.quiz.0.correct_answer'],
      [{ ...of, study: { ...STUDY, language: 'English!' } }, 'study.language'],
      [{ ...of, audio: { s3_key: 'k', size_bytes: 1, sha256: 'short' } }, 'audio.sha256'],
      [rows({ ...row, text: 1 }), 'transcript.rows.0.text'],
      [rows({ ...row, offset: '1' }), 'transcript.rows.0.offset'],
      [rows({ ...row, duration: -1 }), 'transcript.rows.0.duration'],
      [rows(row, { ...row, offset: 0.5 }), 'transcript.rows'],
    ]
    for (const [json, field] of bad)
      expect(
        problems(await report(videoId, json)).map(([name]) => name),
        JSON.stringify(json),
      ).to.include(`body.${field}`)
    expect(await typesOf(`media-${videoId}`)).to.deep.equal(['MediaProcessingRequested'])
  })

  it('are for workers only', async () => {
    const answer = await bob.ask('POST', `/v2/internal/media/${newVideo()}`, { json: { status: 'processing' } })
    expect(seen(answer)).to.deep.equal(refusal(403, 'Invalid admin token'))
  })

  it('say progress rarely, but more often than a job may be silent', async () => {
    const events = async (silenceMs: number) => {
      const other = await startInProcess({ beside: api, media: { quota: 1, silenceMs } })
      const { videoId, jobId } = await requested()
      const tell = asking(other.url, { token: ADMIN_TOKEN })
      for (const percent of [0, 1, 2, 10, 11])
        await tell('POST', `/v2/internal/media/${videoId}`, {
          json: { status: 'processing', job_id: jobId, step: 'audio', percent },
        })
      await other.stop()
      return (await typesOf(`media-${videoId}`)).length - 1
    }
    expect(await events(1_200_000)).to.equal(2)
    expect(await events(1)).to.equal(5)
  })

  it('and captions may come at the same instant, to two processes: the object is always the one that the stream says', async function () {
    this.timeout(60_000)
    const other = await startInProcess({ beside: api })
    const elsewhere = asking(other.url, { token: ADMIN_TOKEN })
    const used = { captions: 0, speech: 0 }
    const round = async (n: number) => {
      const { videoId, jobId } = await requested()
      const [one, another] = n % 2 ? [worker, elsewhere] : [elsewhere, worker]
      const path = `/v2/internal/videos/${videoId}/transcript`
      const captions = (m: number) => ({ json: { transcript: [{ text: `captions ${m}`, offset: m }] } })
      const heard = { json: { status: 'processing', job_id: jobId, transcript: { rows: ROWS } } }
      const caption = () => [one('POST', path, captions(1)), another('POST', path, captions(2))]
      const early = n % 3 ? [] : caption()
      const speech = [another, one].map((ask) => ask('POST', `/v2/internal/media/${videoId}`, heard))
      // A report asks more before its turn comes, so it begins a look earlier: else captions are always first.
      if (n % 3 === 2) await one('GET', `/v2/internal/videos/${videoId}`)
      const answers = await Promise.all([...early, ...speech, ...(n % 3 ? caption() : [])])
      for (const { status, body } of answers) expect(status, body).to.equal(200)
      const stored = (await eventsOf(`video-${videoId}`)).filter(({ type }) => type === 'TranscriptStored')
      const last = JSON.parse(stored.at(-1)!.data)
      expect(sha(object(`${videoId}.json`)), `${n} ${JSON.stringify(stored)}`).to.equal(last.sha256)
      expect(last.s3Key).to.equal(`transcripts/${videoId}.json`)
      const asides = (await eventsOf(`video-${videoId}`)).filter(({ type }) => type === 'TranscriptSetAside')
      const aside = JSON.parse(asides.at(-1)!.data)
      expect([sha(object(`${videoId}.aside.json`)), `transcripts/${videoId}.aside.json`]).to.deep.equal([
        aside.sha256,
        aside.s3Key,
      ])
      used[last.origin === 'speech' ? 'speech' : 'captions']++
    }
    for (let n = 0; n < 36; n += 6) await Promise.all(Array.from({ length: 6 }, (_, i) => round(n + i)))
    await other.stop()
    expect(Math.min(used.captions, used.speech), JSON.stringify(used)).to.be.greaterThan(0)
  })
})
