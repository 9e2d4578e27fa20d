import { expect } from 'chai'
import { type Ask, newVideo, type Person, system } from './api/routes/kit.ts'

describe('a worker that helps the running system', () => {
  const api = system()
  let bob: Person
  let worker: Ask
  before(async () => {
    bob = await api.someone()
    worker = api.worker
  })

  const note = (videoId: string) => bob.ask('POST', `/v2/videos/${videoId}/notes`, { json: { timestamp: '0:01' } })
  const poll = async (type: string, timeout = 10) => {
    const answer = await worker('GET', `/v2/internal/tasks?type=${type}&timeout=${timeout}`)
    return answer.status === 204 ? undefined : answer.json()
  }
  const submit = async (task: { task_id: number; task_details: { video_id: string } }, result: object) => {
    const { video_id } = task.task_details
    const answer = await worker('POST', `/v2/internal/tasks/${task.task_id}/result`, { json: { video_id, ...result } })
    expect(answer.status, answer.body).to.equal(200)
    return answer.json().status
  }
  const found = {
    transcript: { transcript: [{ text: 'a', offset: 0.5, duration: 1 }] },
    metadata: { metadata: { duration: 212 } },
  }

  it('gets one task of a kind for ten notes at once on a new video, and what it finds is there at once', async () => {
    const videoId = newVideo()
    const waiting = [poll('transcript', 30), poll('transcript', 2), poll('metadata', 30), poll('metadata', 2)]
    for (const { status } of await Promise.all(Array.from({ length: 10 }, () => note(videoId)))) expect(status).to.equal(201)
    const tasks = (await Promise.all(waiting)).filter((task) => task !== undefined)
    expect(tasks.map((task) => [task.task_type, task.task_details.video_id, task.retry_count]).sort()).to.deep.equal([
      ['fetch_metadata', videoId, 1],
      ['fetch_transcript', videoId, 1],
    ])
    for (const task of tasks)
      expect(
        await submit(task, { success: true, ...found[task.task_type === 'fetch_metadata' ? 'metadata' : 'transcript'] }),
      ).to.equal('completed')
    const video = (await bob.ask('GET', `/v2/videos/${videoId}`)).json()
    expect(video).to.deep.include({ transcript_available: true, metadata: { duration: 212 } })
    await note(videoId)
    expect([await poll('transcript', 1), await poll('metadata', 1)]).to.deep.equal([undefined, undefined])
  }).timeout(60_000)

  it('is asked again after a failure, three times, and again after the next note', async () => {
    const videoId = newVideo()
    await note(videoId)
    await submit(await poll('metadata'), { success: true, ...found.metadata })
    const ids = new Set()
    for (const [attempt, status] of [
      [1, 'pending'],
      [2, 'pending'],
      [3, 'failed'],
    ] as const) {
      const task = await poll('transcript')
      ids.add(task.task_id)
      expect(task).to.deep.include({ task_details: { video_id: videoId }, retry_count: attempt })
      expect(await submit(task, { success: false, error_message: 'no captions' })).to.equal(status)
    }
    expect(ids.size).to.equal(1)
    expect(await poll('transcript', 1), 'nobody is interested any more').to.equal(undefined)
    await note(videoId)
    const task = await poll('transcript')
    expect(task).to.deep.include({ task_details: { video_id: videoId }, retry_count: 1 })
    expect(ids.has(task.task_id)).to.equal(false)
    await submit(task, { success: true, ...found.transcript })
  }).timeout(60_000)

  it('is asked for what somebody wants to talk about, but not for what workers brought themselves', async () => {
    const [talked, brought] = [newVideo(), newVideo()]
    await worker('POST', `/v2/internal/videos/${brought}/summary`, { json: { summary: 's' } })
    const guest = { 'X-Guest-Session-ID': 'a guest' }
    expect((await api.ask('POST', '/v2/conversations', { json: { video_id: talked }, headers: guest })).status).to.equal(201)
    for (const kind of ['transcript', 'metadata'] as const) {
      const task = await poll(kind)
      expect(task.task_details).to.deep.equal({ video_id: talked })
      await submit(task, { success: true, ...found[kind] })
      expect(await poll(kind, 1)).to.equal(undefined)
    }
  }).timeout(60_000)
})
