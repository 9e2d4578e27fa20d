import { expect } from 'chai'
import { AiNoteRequested } from '#events/ai.ts'
import { catalog, deciders } from '#events/catalog.ts'
import { command, emit } from '#events/kit/command.ts'
import { NoteCreated } from '#events/note.ts'
import { topics } from '#events/topics.ts'
import { type Execute, executor } from '#platform/log/commands/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { eventually } from '#test/kit/eventually.ts'
import { onKafka } from '#test/kit/log.ts'
import { freshDatabase } from '#test/kit/postgres.ts'
import { startQueues, type TestQueues } from '#test/kit/queues.ts'
import { vidwiz } from '#test/kit/run.ts'
import { type SqsProxy, startSqsProxy } from '#test/kit/sqs-proxy.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'

/** More of them in the long suite. */
const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 5)
/** What a bridge may have sent and not yet recorded: three portions. */
const IN_HAND = 3 * 200
/** On Kafka the partitions of the dead are dealt out again when their sessions have ended, after 20 s. */
const TAKEN_OVER_MS = onKafka ? 90_000 : 30_000
/** How long a service may take to stop. */
const STOP_MS = 15_000

describe('the SQS bridge as a process', function () {
  this.timeout(90_000 + ROUNDS * TAKEN_OVER_MS)
  let server: TestQueues
  let proxy: SqsProxy
  let stack: Stack
  let db: Db
  let execute: Execute
  let nextNote = 1
  before(async () => {
    server = await startQueues()
    proxy = await startSqsProxy(server.env.SQS_ENDPOINT)
    const parts = [...(onKafka ? ['relay'] : []), 'sqs-bridge', 'sqs-bridge#2']
    stack = await startStack({ ...server.env, SQS_ENDPOINT: proxy.url, LOG_LEVEL: 'info' }, { parts })
    db = openDb(stack.databaseUrl, { max: 4 })
    ;({ execute } = executor({ appender: appender(db), catalog, deciders, topics }))
  })
  after(async () => {
    await stack?.stop()
    await db?.close()
    await proxy?.close()
    await server?.stop()
  })
  afterEach(() => {
    proxy.fate = undefined
  })

  /** Takes empty notes, and asks a model about each. */
  async function ask(count: number): Promise<number[]> {
    const notes = Array.from({ length: count }, () => nextNote++)
    await Promise.all(
      notes.map((noteId) => {
        const of = { noteId, videoId: `video${String(noteId % 100).padStart(6, '0')}`, userId: 1, timestamp: '1:23' }
        const decide = () =>
          emit([NoteCreated({ ...of, text: null }), AiNoteRequested({ ...of, request: `note-${noteId}`, attempt: 1 })], {})
        return execute(command({ name: 'ask', reads: {}, decide }), { actor: null, correlationId: null })
      }),
    )
    return notes
  }
  const settled = () =>
    eventually(
      async () => {
        const left = await db.query(
          't.left',
          `select from log.events e left join log.checkpoints c
               on c.consumer = 'sqs-bridge' and c.topic = e.topic and c.partition = e.partition
            where e.topic = 'vidwiz.ai' and e.pos > coalesce(c.pos, 0) limit 1`,
        )
        expect(left).to.have.lengthOf(0)
      },
      { withinMs: 60_000 },
    )
  const taken = async () => (await server.take(server.env.SQS_AI_NOTE_QUEUE_URL)).map(({ id }) => id as number)
  const sorted = (ids: Iterable<number>) => [...ids].sort((a, b) => a - b)
  const assertRecordedOnce = async (notes: number[]) => {
    const rows = await db.query<{ times: number }>(
      't.times',
      `select count(*) as times from log.events where type = 'JobDispatched' and stream = any ($1) group by stream, data ->> 'attempt'`,
      [notes.map((id) => `ai-note-${id}`)],
    )
    expect(rows).to.have.lengthOf(notes.length)
    expect(new Set(rows.map(({ times }) => times))).to.deep.equal(new Set([1]))
  }
  const lines = (pattern: RegExp, from = 0) => stack.output.slice(from).filter((line) => pattern.test(line))

  it('does not start without queues, and says which settings are missing', async () => {
    const database = await freshDatabase()
    const { code, stderr } = await vidwiz(['run', 'sqs-bridge'], { DB_URL: database.url, LOG_LEVEL: 'silent' }).finished
    expect([code, stderr]).to.deep.equal([
      1,
      'vidwiz: SQS_AI_NOTE_QUEUE_URL and SQS_SUMMARY_QUEUE_URL must be set: where the questions for models go\n',
    ])
    await database.drop()
  })

  it(`killed ${ROUNDS} times between sending and recording, with another beside it, loses nothing and records each once`, async () => {
    const notes: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      let requests = 0
      proxy.fate = () => {
        // Both: only one of them sends.
        if (++requests === 10) for (const part of ['sqs-bridge', 'sqs-bridge#2']) void stack.signal(part, 'SIGKILL')
        return requests === 10 ? 'lose the answer' : undefined
      }
      notes.push(...(await ask(400)))
      await eventually(() => expect(requests).to.be.at.least(10), { withinMs: TAKEN_OVER_MS })
    }
    await settled()
    const came = await taken()
    expect(sorted(new Set(came))).to.deep.equal(notes)
    expect(came.length - notes.length).to.be.at.most(ROUNDS * IN_HAND)
    await assertRecordedOnce(notes)
    console.log(`      ${ROUNDS} rounds, ${notes.length} questions, ${came.length - notes.length} messages sent twice`)
  })

  it('says once that SQS is away, not each time, and says when it is back', async () => {
    const [from, before] = [stack.output.length, proxy.requests.length]
    proxy.fate = () => 'reset'
    const notes = await ask(10)
    // Several times given up, each after five tries.
    await eventually(() => expect(proxy.requests.length - before).to.be.at.least(20), { withinMs: 30_000 })
    // On Kafka both have partitions, and each says it for itself.
    const whoSaid = (pattern: RegExp) => lines(pattern, from).map((line) => line.split(':')[0]!)
    const paused = whoSaid(/paused"/)
    expect(paused.length).to.be.within(1, onKafka ? 2 : 1)
    expect(new Set(paused).size).to.equal(paused.length)
    expect(lines(/paused"/, from)[0]).to.match(
      /the queue ai-notes \(SQS_AI_NOTE_QUEUE_URL\) did not take \d+ messages: .*(ECONNRESET|socket hang up)/,
    )
    proxy.fate = undefined
    await settled()
    await eventually(() => expect(whoSaid(/"resumed"/).sort()).to.deep.equal(paused.sort()))
    expect(sorted(await taken())).to.deep.equal(notes)
  })

  it('stops in time while SQS does not answer, and sends the rest when it runs again (P12)', async () => {
    const before = proxy.requests.length
    proxy.fate = () => ({ delayMs: 60_000 })
    const notes = await ask(300)
    await eventually(() => expect(proxy.requests.length - before).to.be.at.least(8))
    const [from, begun] = [stack.output.length, performance.now()]
    for (const part of ['sqs-bridge', 'sqs-bridge#2']) await stack.signal(part, 'SIGTERM')
    await eventually(() => expect(lines(/"msg":"stopped"/, from)).to.have.lengthOf(2), { withinMs: STOP_MS })
    expect(performance.now() - begun).to.be.below(STOP_MS)
    expect(lines(/did not stop|"paused"/, from)).to.deep.equal([])
    proxy.fate = undefined
    await settled()
    expect(sorted(await taken())).to.deep.equal(notes)
    await assertRecordedOnce(notes)
  })

  it('sends what its queue had refused when somebody redrives it', async () => {
    const refused = nextNote
    proxy.fate = () => ({
      refuse: (body) => JSON.parse(body).id === refused,
      code: 'InvalidMessageContents',
      isSendersFault: true,
    })
    const [bad, good] = [await ask(1), await ask(5)]
    await settled()
    expect(sorted(await taken())).to.deep.equal(good)
    expect(lines(new RegExp(`"stream":"ai-note-${bad[0]}".*parked an event`))).to.have.lengthOf(1)
    proxy.fate = undefined
    const { code, stderr } = await vidwiz(['redrive', 'sqs-bridge', `ai-note-${bad[0]}`], stack.env).finished
    expect(code, stderr).to.equal(0)
    await eventually(async () => expect(await taken()).to.deep.equal(bad))
    await assertRecordedOnce(bad)
  })
})
