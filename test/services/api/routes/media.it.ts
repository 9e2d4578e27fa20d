import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { requestStudy } from '#events/media.ts'
import { ADMIN_TOKEN, type InProcess, startInProcess } from './in-process.ts'
import { type Ask, asking, newVideo, type Person, seen, someone } from './kit.ts'

const CAPTIONS = [{ text: 'a caption', offset: 0, duration: 1 }]
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
})
