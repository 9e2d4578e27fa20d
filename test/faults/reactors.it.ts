import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { openDb } from '#platform/pg/pool.ts'
import { client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { everyViewEqualsItsReplay } from '#test/kit/replay.ts'
import { PARTS, type Stack, startStack } from '#test/kit/stack.ts'

/** More of them in the long suite. */
const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 5)
const NOTES_PER_VIDEO = 10

describe(`P7: the fetch-scheduler killed ${ROUNDS} times under load, with another beside it`, function () {
  this.timeout(60_000 + ROUNDS * 10_000)
  let stack: Stack
  before(async () => {
    stack = await startStack({}, { parts: [...PARTS, 'fetch-scheduler#2'] })
  })
  after(() => stack?.stop())

  it('schedules every task, and none twice; a worker gets each exactly once', async () => {
    const person = await newUser(stack.url)
    const videos: string[] = []
    let writing = true
    const writer = (async () => {
      while (writing) {
        const videoId = `killed_${String(videos.length).padStart(4, '0')}`
        videos.push(videoId)
        const notes = Array.from({ length: NOTES_PER_VIDEO }, () =>
          person.surely('POST', `/v2/videos/${videoId}/notes`, { timestamp: '0:01' }),
        )
        for (const { status } of await Promise.all(notes)) expect(status).to.equal(201)
      }
    })()
    const worked = new Map<string, number>()
    const worker = async (kind: string) => {
      const { call } = client(stack.url, stack.adminToken)
      while (writing || worked.size < videos.length * 2) {
        const { status, body } = await call('GET', `/v2/internal/tasks?type=${kind}&timeout=1`)
        if (status !== 200) continue
        const { video_id } = body.task_details
        worked.set(`${kind} ${video_id}`, (worked.get(`${kind} ${video_id}`) ?? 0) + 1)
        const found = kind === 'transcript' ? { transcript: [{ text: 'a' }] } : { metadata: { title: 'a' } }
        const result = await call('POST', `/v2/internal/tasks/${body.task_id}/result`, { video_id, success: true, ...found })
        expect(result.status, JSON.stringify(result.body)).to.equal(200)
      }
    }
    const workers = ['transcript', 'transcript', 'metadata', 'metadata'].map(worker)
    for (let round = 0; round < ROUNDS; round++) {
      const before = videos.length
      await eventually(() => expect(videos.length).to.be.greaterThan(before + 3), { withinMs: 30_000 })
      await sleep(Math.random() * 200)
      await stack.signal(round % 2 ? 'fetch-scheduler#2' : 'fetch-scheduler', 'SIGKILL')
      await eventually(() => expect(stack.output.filter((line) => line.includes('SIGKILL')).length).to.equal(round + 1))
    }
    writing = false
    await writer
    await Promise.all(workers)

    expect(new Set(worked.values())).to.deep.equal(new Set([1]))
    const db = openDb(stack.databaseUrl, { max: 1 })
    const twice = await db.query(
      't.twice',
      `select key from log.events where type = 'TaskScheduled' group by key, data ->> 'kind' having count(*) > 1`,
    )
    expect(twice).to.deep.equal([])
    await db.close()
    for (const videoId of [videos[0]!, videos.at(-1)!]) {
      const { body } = await person.call('GET', `/v2/videos/${videoId}`)
      expect(body).to.deep.include({ transcript_available: true, metadata: { title: 'a' } })
    }
    await everyViewEqualsItsReplay(stack.databaseUrl)
    console.log(`      ${ROUNDS} rounds, ${videos.length} videos, ${worked.size} tasks, lost 0, double 0`)
  })
})
