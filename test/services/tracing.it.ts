import { expect } from 'chai'
import { openKafka } from '#platform/log/kafka/client.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { type Client, client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { onKafka } from '#test/kit/log.ts'
import { type ModelServer, startModelServer } from '#test/kit/model-server.ts'
import { leadsTo, otlpReceiver, type Receiver, type ToldSpan } from '#test/kit/otlp.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'
import { obedient } from '#test/kit/whole.ts'
import { newVideo } from './api/routes/kit.ts'

const REACTORS = 'ai-notes,sqs-bridge'
const ROWS = [
  { text: 'never gonna', offset: 60, duration: 30 },
  { text: 'give you up', offset: 90, duration: 30 },
]
/** What must not be told to anybody, wherever it is put. */
const SECRET = 'tell-nobody-of-this'

describe('traces', function () {
  this.timeout(120_000)
  let receiver: Receiver
  let models: ModelServer
  let stack: Stack
  let db: Db
  let person: Awaited<ReturnType<typeof newUser>>
  let admin: Client
  before(async () => {
    receiver = await otlpReceiver()
    models = await startModelServer()
    models.answer(obedient)
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_BSP_SCHEDULE_DELAY: '100',
      LLM_PROVIDER: 'gemini',
      GEMINI_API_KEY: SECRET,
      GEMINI_BASE_URL: models.url,
    }
    const parts = [...(onKafka ? ['relay'] : []), 'projector', 'api', 'local-aws', REACTORS, 'lambda-runner']
    stack = await startStack(env, { parts })
    db = openDb(stack.databaseUrl, { max: 1 })
    person = await newUser(stack.url)
    admin = client(stack.url, stack.adminToken)
  })
  after(async () => {
    await db?.close()
    await stack?.stop()
    await models?.stop()
    await receiver?.close()
  })

  const take = async (note: object, headers: Record<string, string> = {}, videoId = newVideo()) => {
    const { status, body } = await person.call('POST', `/v2/videos/${videoId}/notes`, { timestamp: '1:23', ...note }, headers)
    expect(status).to.equal(201)
    return body.id as number
  }
  const traceOf = async (note: number, type: string) => {
    const [event] = await db.query<{ traceparent: string }>(
      't.trace',
      'select traceparent from log.events where stream = $1 and type = $2',
      [`note-${note}`, type],
    )
    return event!.traceparent
  }
  const told = (name: string, traceId?: string) =>
    receiver.told((span) => span.name === name && (traceId === undefined || span.traceId === traceId), `${name} ${traceId ?? ''}`)

  it('show a note from the request to the view, over two processes, in one picture', async () => {
    const traceId = 'c'.repeat(32)
    const note = await take({ text: 'mine' }, { traceparent: `00-${traceId}-${'d'.repeat(16)}-01` })
    const request = await told('POST /v2/videos/:video_id/notes', traceId)
    expect(request).to.include({ service: 'vidwiz-api', parentSpanId: 'd'.repeat(16) })
    const execute = await told('execute createNote', traceId)
    expect(await traceOf(note, 'NoteCreated')).to.equal(`00-${traceId}-${execute.spanId}-01`)
    const project = await told('project notes', traceId)
    expect(project).to.include({ service: 'vidwiz-projector', parentSpanId: execute.spanId })
    expect(project.attributes).to.include({
      'messaging.destination.name': 'vidwiz.notes',
      'messaging.consumer.group.name': 'notes',
      'messaging.batch.message_count': 1,
    })
    const written = await told('postgres write notes', traceId)
    expect(written.parentSpanId).to.equal(project.spanId)
    for (const span of [execute, await told('append', traceId), await told('postgres log.append', traceId)])
      expect(leadsTo(receiver.spans, request, span), span.name).to.equal(true)
    if (onKafka) expect((await told('relay', traceId)).parentSpanId).to.equal(execute.spanId)
  })

  it('show an empty note on its way to a model and back, across SQS, in one picture', async () => {
    const videoId = newVideo()
    await person.call('PATCH', '/v2/users/me', { ai_notes_enabled: true })
    await admin.surely('POST', `/v2/internal/videos/${videoId}/transcript`, { transcript: ROWS })
    const traceId = 'e'.repeat(32)
    const note = await take({}, { traceparent: `00-${traceId}-${'d'.repeat(16)}-01` }, videoId)
    await eventually(
      async () => expect((await person.call('GET', `/v2/videos/${videoId}/notes`)).body[0]).to.include({ generated_by_ai: true }),
      { withinMs: 60_000 },
    )
    const request = await told('POST /v2/videos/:video_id/notes', traceId)
    const last = await eventually(async () => {
      const [, , spanId] = (await traceOf(note, 'NoteWrittenByAi')).split('-')
      return receiver.spans.find((span) => span.spanId === spanId) ?? expect.fail('the last command is not told yet')
    })
    await eventually(() => expect(leadsTo(receiver.spans, request, last)).to.equal(true))
    const between = (name: string) =>
      receiver.spans.filter(
        (span) => span.name === name && leadsTo(receiver.spans, request, span) && leadsTo(receiver.spans, span, last),
      )
    for (const name of [
      'react ai-notes',
      'react sqs-bridge',
      'bridge sqs-bridge',
      'lambda ai-note',
      'PATCH /v2/internal/notes/:note_id',
    ])
      await eventually(() => expect(between(name), name).to.have.length(1))
    expect(between('lambda ai-note')[0]).to.include({ service: 'vidwiz-lambda-runner' })
    expect(receiver.spans.filter(({ service }) => service.includes('local-aws'))).to.deep.equal([])
  })

  it('tell nothing that a person wrote, no secret and nobody’s address', async () => {
    await take({ text: SECRET })
    const hidden = { cookie: `session=${SECRET}`, 'x-forwarded-for': SECRET, 'user-agent': SECRET, 'x-api-key': SECRET }
    await fetch(`${stack.url}/v2/users/me?token=${SECRET}`, { headers: { authorization: `Bearer ${SECRET}`, ...hidden } })
    await person.call('POST', '/v2/auth/login', { email: `${SECRET}@example.com`, password: SECRET })
    await person.call('POST', '/v2/auth/register', { email: person.email, password: SECRET, name: SECRET })
    const mark = await take({ text: 'the last' })
    const [, traceId] = (await traceOf(mark, 'NoteCreated')).split('-')
    await told('project notes', traceId)
    const all = receiver.bodies.join()
    for (const secret of [SECRET, person.email, person.token, person.password, stack.adminToken, stack.secretKey, 'never gonna'])
      expect(all.includes(secret), secret).to.equal(false)
  })

  it('tell nothing while nothing happens', async () => {
    const isWork = ({ name }: ToldSpan) => !name.startsWith('GET /v2/internal/tasks')
    let before = -1
    // Until the last of what was done is told, then for as long as it takes to send.
    await eventually(
      () => {
        const now = receiver.spans.filter(isWork).length
        const isQuiet = now === before
        before = now
        expect(isQuiet).to.equal(true)
      },
      { everyMs: 1_000 },
    )
  })

  if (onKafka)
    it('leave on Kafka where an event comes from, for every client to read', async () => {
      const note = await take({ text: 'mine' })
      const traceparent = await traceOf(note, 'NoteCreated')
      const { KAFKA_BROKERS, KAFKA_PREFIX } = stack.env
      const { kafka, close } = openKafka('reader', { brokers: KAFKA_BROKERS!.split(','), prefix: KAFKA_PREFIX! })
      const consumer = kafka.consumer({ groupId: `${KAFKA_PREFIX}reader` })
      const found: Record<string, string>[] = []
      await consumer.connect()
      await consumer.subscribe({ topic: `${KAFKA_PREFIX}vidwiz.notes`, fromBeginning: true })
      await consumer.run({
        eachMessage: async ({ message: { headers = {} } }) =>
          void found.push(Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))),
      })
      try {
        await eventually(
          () => {
            const header = found.find(({ ce_subject, ce_type }) => ce_subject === `note-${note}` && ce_type === 'NoteCreated')
            expect(header).to.include({ ce_traceparent: traceparent, traceparent })
          },
          { withinMs: 30_000 },
        )
      } finally {
        await consumer.disconnect()
        close()
      }
    })

  it('end with the last of them, and every process within its time', async () => {
    const since = performance.now()
    await stack.parts.stop()
    expect(performance.now() - since).to.be.below(20_000)
    expect(stack.output.filter((line) => /did not stop|tracing/.test(line))).to.deep.equal([])
  })
})

describe('traces that nobody takes', function () {
  this.timeout(60_000)
  let receiver: Receiver
  let stack: Stack
  before(async () => {
    receiver = await otlpReceiver('hanging')
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_TIMEOUT: '300', OTEL_BSP_SCHEDULE_DELAY: '50' }
    stack = await startStack(env, { parts: [...(onKafka ? ['relay'] : []), 'projector', 'api'] })
  })
  after(async () => {
    await stack?.stop()
    await receiver?.close()
  })

  it('hold up no request, are told of in one line, and leave a stop as clean as ever', async () => {
    const person = await newUser(stack.url)
    const videoId = newVideo()
    const waitsMs = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const since = performance.now()
        const { status } = await person.surely('POST', `/v2/videos/${videoId}/notes`, { timestamp: '1:23', text: 'mine' })
        expect(status).to.equal(201)
        return performance.now() - since
      }),
    )
    expect(Math.max(...waitsMs)).to.be.below(5_000)
    const lines = () => stack.output.filter((line) => line.startsWith('api: ') && line.includes('"tracing"'))
    await eventually(() => expect(lines()).to.have.length(1))
    expect(lines()[0]).to.include('"paused"')
    const ends = Object.values(stack.parts.pids()).length * 5_000
    const since = performance.now()
    await stack.parts.stop()
    expect(performance.now() - since).to.be.below(ends)
    expect(stack.output.filter((line) => /did not stop|ended/.test(line))).to.deep.equal([])
    expect(receiver.bodies.length).to.be.above(0)
  })
})
