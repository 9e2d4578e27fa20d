import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { type Client, client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { onKafka } from '#test/kit/log.ts'
import { startQueues, type TestQueues } from '#test/kit/queues.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'
import { newVideo } from './api/routes/kit.ts'

const PARTS = [...(onKafka ? ['relay'] : []), 'projector', 'api', 'ai-notes', 'summaries', 'sqs-bridge']

const ROWS = [
  { text: 'never gonna', offset: 60, duration: 30 },
  { text: 'give you up', offset: 90, duration: 30 },
]

const ANSWER_MINUTES = '0.02'

const SETTLED = { withinMs: 60_000 }

type Step = 'note' | 'switch' | 'transcript'

describe('asking models', function () {
  this.timeout(120_000)
  let stack: Stack
  let queues: TestQueues
  let db: Db
  let worker: Client
  before(async () => {
    queues = await startQueues()
    stack = await startStack({ ...queues.env, AI_ANSWER_MINUTES: ANSWER_MINUTES }, { parts: PARTS })
    db = openDb(stack.databaseUrl, { max: 2 })
    worker = client(stack.url, stack.adminToken)
  })
  after(async () => {
    await db?.close()
    await stack?.stop()
    await queues?.stop()
  })

  /** Waits until the services have seen all that happened so far. */
  const settled = () =>
    eventually(async () => {
      const left = await db.query(
        't.left',
        `select e.topic, w.consumer from log.events e
           join (values ('ai-notes', 'vidwiz.notes'), ('ai-notes', 'vidwiz.videos'), ('ai-notes', 'vidwiz.users'),
                        ('summaries', 'vidwiz.videos'), ('sqs-bridge', 'vidwiz.ai'), ('ai-requests', 'vidwiz.ai')) w (consumer, topic)
             on w.topic = e.topic
           left join log.checkpoints c on c.consumer = w.consumer and c.topic = e.topic and c.partition = e.partition
          where e.pos > coalesce(c.pos, 0) limit 1`,
      )
      expect(left).to.deep.equal([])
      // A consumer group waits for a member that was killed until its session ends.
    }, SETTLED)
  const lifeOf = async (request: string) =>
    (
      await db.query<{ type: string }>('t.life', `select type from log.events where stream = $1 order by version`, [
        `ai-${request}`,
      ])
    ).map(({ type }) => type)
  /** How often each note was asked for first; notes that were not are left out. */
  const firstQuestions = async (notes: number[]) => {
    const rows = await db.query<{ stream: string; asked: number }>(
      't.asked',
      `select stream, count(*) as asked from log.events
        where type = 'AiNoteRequested' and stream = any ($1) and data ->> 'attempt' = '1' group by stream`,
      [notes.map((id) => `ai-note-${id}`)],
    )
    return new Map(rows.map(({ stream, asked }) => [stream, asked]))
  }
  /** Questions asked again although the one before was not sent, or its answer was not overdue. */
  const askedTooSoon = () =>
    db.query(
      't.tooSoon',
      `select stream, version from (
         select *, lag(type) over one as before, time - lag(time) over one as since from log.events
          where topic = 'vidwiz.ai' window one as (partition by stream order by version)) e
        where type in ('AiNoteRequested', 'SummaryRequested') and (data ->> 'attempt')::int > 1
          and (before <> 'JobDispatched' or since < $1)`,
      [Number(ANSWER_MINUTES) * 60_000],
    )
  const switchTo = (person: Client, on: boolean) => person.surely('PATCH', '/v2/users/me', { ai_notes_enabled: on })
  const store = (videoId: string, transcript: unknown[] = ROWS) =>
    worker.surely('POST', `/v2/internal/videos/${videoId}/transcript`, { transcript })
  const take = async (person: Client, videoId: string, note: object = {}) => {
    const { status, body } = await person.surely('POST', `/v2/videos/${videoId}/notes`, { timestamp: '1:23', ...note })
    expect(status).to.equal(201)
    return body.id as number
  }

  const ORDERS: Step[][] = [
    ['note', 'switch', 'transcript'],
    ['switch', 'note', 'transcript'],
    ['switch', 'transcript', 'note'],
    ['transcript', 'switch', 'note'],
    ['note', 'transcript', 'switch'],
    ['transcript', 'note', 'switch'],
  ]
  for (const order of ORDERS) {
    const isLate = order.at(-1) === 'switch'
    it(`asks ${isLate ? 'for nothing' : 'once'} when they come in the order ${order.join(', ')}`, async () => {
      const [person, videoId] = [await newUser(stack.url), newVideo()]
      let noteId = 0
      const steps: Record<Step, () => Promise<unknown>> = {
        note: async () => {
          noteId = await take(person, videoId)
        },
        switch: () => switchTo(person, true),
        transcript: () => store(videoId),
      }
      for (const step of order) {
        await steps[step]()
        await settled()
      }
      const life = await lifeOf(`note-${noteId}`)
      expect(life.filter((type) => type === 'AiNoteRequested' || type === 'AiNoteAwaited')[0]).to.equal(
        isLate ? undefined : order.at(-1) === 'transcript' ? 'AiNoteAwaited' : 'AiNoteRequested',
      )
      expect(life.includes('JobDispatched')).to.equal(!isLate)
    })
  }

  it('asks once, or for nothing, when all three come at the same instant', async () => {
    const people = await Promise.all(Array.from({ length: 10 }, () => newUser(stack.url)))
    const notes = await Promise.all(
      people.map(async (person) => {
        const videoId = newVideo()
        const [noteId] = await Promise.all([take(person, videoId), switchTo(person, true), store(videoId)])
        return noteId
      }),
    )
    await settled()
    for (const asked of (await firstQuestions(notes)).values()) expect(asked).to.equal(1)
    expect(await askedTooSoon()).to.deep.equal([])
  })

  it('asks exactly once for each note of many that are taken while the transcript arrives', async () => {
    const person = await newUser(stack.url)
    await switchTo(person, true)
    const videos = Array.from({ length: 10 }, newVideo)
    const notes = await Promise.all(
      videos.map(async (videoId) => {
        const [, ...ids] = await Promise.all([store(videoId), ...Array.from({ length: 10 }, () => take(person, videoId))])
        return ids
      }),
    )
    await settled()
    const asked = await firstQuestions(notes.flat())
    expect(asked.size).to.equal(100)
    expect(new Set(asked.values())).to.deep.equal(new Set([1]))
    expect(await askedTooSoon()).to.deep.equal([])
  })

  it('sends the messages that workers know, each with what it was caused by', async () => {
    const [person, videoId] = [await newUser(stack.url), newVideo()]
    await switchTo(person, true)
    await store(videoId)
    await settled()
    await queues.take(queues.env.SQS_AI_NOTE_QUEUE_URL)
    await queues.take(queues.env.SQS_SUMMARY_QUEUE_URL)
    const answer = await person.call(
      'POST',
      `/v2/videos/${videoId}/notes`,
      { timestamp: '1:23' },
      { 'x-request-id': 'my-request' },
    )
    const fresh = newVideo()
    await worker.call('POST', `/v2/internal/videos/${fresh}/transcript`, { transcript: ROWS }, { 'x-request-id': 'a-worker' })
    await settled()
    const events = await db.query<{ id: string; stream: string }>(
      't.ids',
      `select id, stream from log.events where type in ('AiNoteRequested', 'SummaryRequested') and data ->> 'attempt' = '1'`,
    )
    const idOf = (stream: string) => events.find((event) => event.stream === stream)!.id
    const { id, user_id } = answer.body
    const sent = await queues.take(queues.env.SQS_AI_NOTE_QUEUE_URL)
    expect(sent.filter((message) => message.id === id)[0]).to.deep.equal({
      id,
      video_id: videoId,
      timestamp: '1:23',
      user_id,
      correlation_id: 'my-request',
      causation_id: idOf(`ai-note-${id}`),
    })
    const summaries = await queues.take(queues.env.SQS_SUMMARY_QUEUE_URL)
    expect(summaries.filter((message) => message.video_id === fresh)[0]).to.deep.equal({
      video_id: fresh,
      correlation_id: 'a-worker',
      causation_id: idOf(`ai-summary-${fresh}`),
    })
  })

  it('asks again for what is not answered, three times in all, then gives up; a late answer is taken all the same', async () => {
    const [person, videoId] = [await newUser(stack.url), newVideo()]
    await switchTo(person, true)
    await store(videoId)
    const noteId = await take(person, videoId)
    await eventually(async () => expect((await lifeOf(`note-${noteId}`)).at(-1)).to.equal('JobGivenUp'), { withinMs: 30_000 })
    const tries = ['AiNoteRequested', 'JobDispatched']
    expect(await lifeOf(`note-${noteId}`)).to.deep.equal([...tries, ...tries, ...tries, 'JobGivenUp'])
    await worker.surely('PATCH', `/v2/internal/notes/${noteId}`, { text: 'a late line', generated_by_ai: true })
    await eventually(async () => expect((await lifeOf(`note-${noteId}`)).at(-1)).to.equal('JobAnswered'))
  })

  it('ends with the answer, with what the author writes, and with the note itself', async () => {
    const [person, videoId] = [await newUser(stack.url), newVideo()]
    await switchTo(person, true)
    await store(videoId)
    const [answered, written, deleted] = [await take(person, videoId), await take(person, videoId), await take(person, videoId)]
    await worker.surely('PATCH', `/v2/internal/notes/${answered}`, { text: 'a line of the model', generated_by_ai: true })
    await person.surely('PATCH', `/v2/notes/${written}`, { text: 'mine' })
    await person.surely('DELETE', `/v2/notes/${deleted}`)
    await worker.surely('POST', `/v2/internal/videos/${videoId}/summary`, { summary: 'A song.' })
    const ends = { [`note-${answered}`]: 'JobAnswered', [`summary-${videoId}`]: 'JobAnswered' }
    await eventually(async () => {
      for (const [request, end] of Object.entries(ends)) expect((await lifeOf(request)).at(-1)).to.equal(end)
      // What the author did first may have come before anybody asked.
      for (const id of [written, deleted]) expect((await lifeOf(`note-${id}`)).at(-1)).to.be.oneOf(['JobWithdrawn', undefined])
    })
  })

  it('asks for what came while no view moved, and stops at once while it waits for them', async () => {
    const [person, videoId] = [await newUser(stack.url), newVideo()]
    await switchTo(person, true)
    await take(person, videoId)
    await settled()
    await stack.signal('projector', 'SIGSTOP')
    const noteId = await take(person, videoId)
    await store(videoId)
    const waits = async () =>
      (
        await db.query(
          't.waits',
          `select from log.events e left join log.checkpoints c on c.consumer = 'ai-notes' and c.topic = e.topic and c.partition = e.partition
            where e.type = 'TranscriptStored' and e.pos > coalesce(c.pos, 0)`,
        )
      ).length > 0
    expect(await waits()).to.equal(true)
    await sleep(1_000)
    const before = Date.now()
    const pid = await stack.signal('ai-notes', 'SIGTERM')
    await eventually(() => expect(() => process.kill(pid, 0)).to.throw(), { withinMs: 20_000 })
    expect(Date.now() - before).to.be.below(4_000)
    const complaints = () => stack.output.filter((line) => /^ai-notes: .*have not come to position/.test(line)).length
    const sofar = complaints()
    await eventually(() => expect(complaints()).to.be.above(sofar), { withinMs: 30_000 })
    expect(await waits()).to.equal(true)
    await stack.signal('projector', 'SIGCONT')
    await settled()
    expect((await firstQuestions([noteId])).get(`ai-note-${noteId}`)).to.equal(1)
  })

  it('asks for nothing at timestamps of no use, and for no summary without rows', async () => {
    const [person, videoId, bare] = [await newUser(stack.url), newVideo(), newVideo()]
    await switchTo(person, true)
    const early = await take(person, videoId, { timestamp: '99:99' })
    await store(videoId)
    await store(bare, [])
    const late = await take(person, videoId, { timestamp: '2:16' })
    const usable = await take(person, videoId, { timestamp: '2:15' })
    await settled()
    expect(await lifeOf(`note-${early}`)).to.deep.equal([])
    expect(await lifeOf(`note-${late}`)).to.deep.equal([])
    expect((await lifeOf(`note-${usable}`))[0]).to.equal('AiNoteRequested')
    expect(await lifeOf(`summary-${bare}`)).to.deep.equal([])
  })

  it('asks and sends nothing again when reactors and bridge begin from nothing (P7)', async () => {
    const [person, videoId] = [await newUser(stack.url), newVideo()]
    await switchTo(person, true)
    await store(videoId)
    await Promise.all(Array.from({ length: 20 }, () => take(person, videoId)))
    await settled()
    const sentOf = async () => [
      ...(await queues.take(queues.env.SQS_AI_NOTE_QUEUE_URL)),
      ...(await queues.take(queues.env.SQS_SUMMARY_QUEUE_URL)),
    ]
    const before = new Set((await sentOf()).map(({ causation_id }) => causation_id))
    expect(before.size).to.be.at.least(21)
    for (const part of ['ai-notes', 'summaries', 'sqs-bridge']) await stack.signal(part, 'SIGSTOP')
    await db.query('t.forget', `delete from log.checkpoints where consumer in ('ai-notes', 'summaries', 'sqs-bridge')`)
    for (const part of ['ai-notes', 'summaries', 'sqs-bridge']) await stack.signal(part, 'SIGKILL')
    await settled()
    for (const { causation_id } of await sentOf()) expect(before.has(causation_id)).to.equal(false)
    const twice = await db.query(
      't.twice',
      `select stream from log.events where type in ('AiNoteRequested', 'SummaryRequested', 'JobDispatched')
        group by stream, type, data ->> 'attempt' having count(*) > 1`,
    )
    expect(twice).to.deep.equal([])
    expect(await askedTooSoon()).to.deep.equal([])
  })

  it('waits while SQS is away: the lag shows it, and nothing is lost', async () => {
    const [person, videoId] = [await newUser(stack.url), newVideo()]
    await switchTo(person, true)
    await store(videoId)
    await settled()
    await queues.vanish()
    const ids = await Promise.all(Array.from({ length: 25 }, () => take(person, videoId)))
    const lag = async () =>
      (
        await db.query<{ behind: number }>(
          't.behind',
          `select count(*) as behind from log.events e left join log.checkpoints c
               on c.consumer = 'sqs-bridge' and c.topic = e.topic and c.partition = e.partition
            where e.topic = 'vidwiz.ai' and e.pos > coalesce(c.pos, 0)`,
        )
      )[0]!.behind
    await eventually(async () => expect(await lag()).to.be.at.least(25))
    await eventually(() => expect(stack.output.join('\n')).to.match(/sqs-bridge: .*did not take .* messages/))
    await queues.comeBack()
    await settled()
    const sent = new Set((await queues.take(queues.env.SQS_AI_NOTE_QUEUE_URL)).map(({ id }) => id))
    for (const id of ids) expect(sent.has(id), `note ${id}`).to.equal(true)
  })
})
