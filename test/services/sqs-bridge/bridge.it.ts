import { CreateQueueCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { expect } from 'chai'
import { readSettings } from '#platform/config/settings.ts'
import { askToRedrive, parkedOf } from '#platform/log/consumers/redrive.ts'
import { changedSince } from '#platform/log/postgres/versions.ts'
import { openQueues } from '#platform/sqs/open.ts'
import type { Queues } from '#platform/sqs/queues.ts'
import { rebuild } from '#projections/engine/rebuild.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { views } from '#projections/index.ts'
import { openPost } from '#services/kit/post.ts'
import { sqsBridge } from '#services/sqs-bridge/bridge.ts'
import { bridges, eventsBehind } from '#test/kit/bridges.ts'
import { eventually } from '#test/kit/eventually.ts'
import { aiNoteRequested, jobDispatched, noteCreated, noteEdited, summaryRequested, videoAdded } from '#test/kit/histories.ts'
import { startQueues, type TestQueues } from '#test/kit/queues.ts'
import { type SqsProxy, startSqsProxy } from '#test/kit/sqs-proxy.ts'
import { type Workshop, workshop } from '#test/projections/workshop.ts'
import { newVideo } from '../api/routes/kit.ts'

describe('the SQS bridge', function () {
  this.timeout(60_000)
  let server: TestQueues
  let proxy: SqsProxy
  let shop: Workshop
  let queues: Queues
  const { run: runIn, errors, parked, stop } = bridges()
  let nextNote = 1

  beforeEach(async () => {
    server = await startQueues()
    proxy = await startSqsProxy(server.env.SQS_ENDPOINT)
    shop = await workshop()
    queues = await openQueues(readSettings({ ...server.env, SQS_ENDPOINT: proxy.url }))
  })
  afterEach(async () => {
    proxy.fate = undefined
    await stop()
    queues.close()
    await shop.close()
    await proxy.close()
    await server.stop()
  })

  const run = () =>
    runIn(shop, (execute, end) => {
      const addresses = {
        'ai-notes': { url: server.env.SQS_AI_NOTE_QUEUE_URL, setting: 'SQS_AI_NOTE_QUEUE_URL' },
        summaries: { url: server.env.SQS_SUMMARY_QUEUE_URL, setting: 'SQS_SUMMARY_QUEUE_URL' },
      }
      const post = openPost({ queues, addresses, stopping: end, onRefused: () => {} })
      return sqsBridge({ execute, changedSince: (seen) => changedSince(shop.db, seen), post })
    })

  /** Takes empty notes, and asks a model about each. */
  async function ask(count: number, { timestamp = '1:23' } = {}): Promise<number[]> {
    const notes = Array.from({ length: count }, () => nextNote++)
    const of = (noteId: number) => ({ noteId, videoId: `video${String(noteId % 100).padStart(6, '0')}`, timestamp })
    await shop.record(
      ...notes.map((noteId) => noteCreated({ ...of(noteId), text: null })),
      ...notes.map((noteId) => aiNoteRequested({ ...of(noteId), request: `note-${noteId}`, attempt: 1 })),
    )
    return notes
  }
  const behind = () => eventsBehind(shop, 'sqs-bridge', 'vidwiz.ai')
  const settled = () => eventually(async () => expect(await behind()).to.equal(0), { withinMs: 30_000 })
  const taken = async () => (await server.take(server.env.SQS_AI_NOTE_QUEUE_URL)).map(({ id }) => id as number)
  /** How often each request was recorded as sent. */
  const dispatched = async () =>
    new Map(
      (
        await shop.db.query<{ stream: string; times: number }>(
          't.dispatched',
          `select stream, count(*) as times from log.events where type = 'JobDispatched' group by stream`,
        )
      ).map(({ stream, times }) => [stream, times]),
    )
  const onceEach = (notes: number[]) => new Map(notes.map((id) => [`ai-note-${id}`, 1]))
  const sorted = (ids: Iterable<number>) => [...ids].sort((a, b) => a - b)
  const everythingOnce = async (notes: number[]) => {
    await settled()
    expect(sorted(await taken())).to.deep.equal(notes)
    expect(await dispatched()).to.deep.equal(onceEach(notes))
  }

  it('sends each question once, in batches of ten, and records that', async () => {
    const notes = await ask(250)
    run()
    await everythingOnce(notes)
    // Whatever else was asked has partitions of its own, so a portion may end with fewer.
    expect(Math.max(...proxy.requests.map((bodies) => bodies.length))).to.equal(10)
    expect(proxy.requests.length).to.be.at.most(27)
    const ids = await shop.db.query<{ messageId: string }>(
      't.ids',
      `select data ->> 'messageId' as "messageId" from log.events where type = 'JobDispatched'`,
    )
    expect(new Set(ids.map(({ messageId }) => messageId)).size).to.equal(250)
  })

  it('sends the body that workers know, to the queue of its kind', async () => {
    const videoId = newVideo()
    const summary = { request: `summary-${videoId}`, videoId }
    await shop.record(videoAdded({ videoId }), summaryRequested({ ...summary, attempt: 1 }))
    const [noteId] = await ask(1)
    run()
    await settled()
    const [asked] = await server.take(server.env.SQS_AI_NOTE_QUEUE_URL)
    expect(Object.keys(asked)).to.deep.equal(['id', 'video_id', 'timestamp', 'user_id', 'correlation_id', 'causation_id'])
    expect(asked).to.include({ id: noteId, timestamp: '1:23', user_id: 1 })
    const summaries = await server.take(server.env.SQS_SUMMARY_QUEUE_URL)
    expect(summaries.map(({ video_id }) => video_id)).to.deep.equal([videoId])
  })

  it('sends nothing that needs no answer any more', async () => {
    const notes = await ask(3)
    await shop.record(
      noteEdited({ noteId: notes[1]!, videoId: `video${String(notes[1]! % 100).padStart(6, '0')}`, text: 'mine' }),
    )
    run()
    await settled()
    expect(sorted(await taken())).to.deep.equal([notes[0], notes[2]])
  })

  it('sends nothing when views are rebuilt, nor when it begins from nothing (P7)', async () => {
    const notes = await ask(50)
    const first = run()
    await everythingOnce(notes)
    await first.stop()
    await setupViews(views, { db: shop.db, reader: shop.reader })
    for (const view of views) await rebuild(view, { db: shop.db, reader: shop.reader })
    await shop.db.query('t.forget', `delete from log.checkpoints where consumer = 'sqs-bridge'`)
    const before = proxy.requests.length
    run()
    await settled()
    expect([proxy.requests.length - before, await taken()]).to.deep.equal([0, []])
    expect(await dispatched()).to.deep.equal(onceEach(notes))
  })

  it('sends the last question of a request only, though it sees all of them together (P7)', async () => {
    const notes = await ask(3)
    const again = (noteId: number) => ({
      noteId,
      videoId: `video${String(noteId % 100).padStart(6, '0')}`,
      request: `note-${noteId}`,
    })
    const dispatch = (noteId: number, attempt: number) => jobDispatched({ ...again(noteId), attempt, messageId: 'm' })
    await shop.record(
      ...notes.flatMap((noteId) => [dispatch(noteId, 1), aiNoteRequested({ ...again(noteId), timestamp: '1:23', attempt: 2 })]),
    )
    await shop.record(dispatch(notes[0]!, 2))
    run()
    await settled()
    expect(sorted(await taken())).to.deep.equal(notes.slice(1))
  })

  it('sends only those again that a queue refused, however they are spread', async () => {
    const notes = await ask(60)
    const times = new Map<string, number>()
    proxy.fate = (bodies) => {
      for (const body of bodies) times.set(body, (times.get(body) ?? 0) + 1)
      return {
        refuse: (body) => /"id":\d*[37],/.test(body) && times.get(body)! < 3,
        code: 'InternalError',
        isSendersFault: false,
      }
    }
    run()
    await everythingOnce(notes)
    expect([...times].filter(([, count]) => count > 1).map(([body]) => JSON.parse(body).id % 10)).to.satisfy((last: number[]) =>
      last.every((digit) => digit === 3 || digit === 7),
    )
    expect(Math.max(...times.values())).to.equal(3)
    expect([parked, errors]).to.deep.equal([[], []])
  })

  const passing: [string, ReturnType<NonNullable<SqsProxy['fate']>>][] = [
    ['answers 500', { status: 500, type: 'InternalError', message: 'oops' }],
    ['is overloaded (403)', { status: 403, type: 'com.amazonaws.sqs#RequestThrottled', message: 'slow down' }],
    ['is overloaded (400)', { status: 400, type: 'ThrottlingException', message: 'Rate exceeded' }],
    ['cuts connections', 'reset'],
    ['asks each message to wait', { refuse: () => true, code: 'RequestThrottled', isSendersFault: true }],
  ]
  for (const [what, fault] of passing)
    it(`parks nothing, and sends everything once, when SQS ${what} for a while`, async () => {
      const notes = await ask(45)
      let left = 30
      proxy.fate = () => (left-- > 0 ? fault : undefined)
      run()
      await everythingOnce(notes)
      expect(parked).to.deep.equal([])
    })

  it('sends again what it was not told of, and records each once all the same', async () => {
    const notes = await ask(45)
    let lost = 0
    proxy.fate = () => (++lost <= 2 ? 'lose the answer' : undefined)
    run()
    await settled()
    const came = await taken()
    expect(sorted(new Set(came))).to.deep.equal(notes)
    expect(came).to.have.lengthOf(45 + 20)
    expect(await dispatched()).to.deep.equal(onceEach(notes))
  })

  it('bears slow answers', async () => {
    const notes = await ask(300)
    proxy.fate = () => ({ delayMs: 100 })
    run()
    await everythingOnce(notes)
    expect(errors).to.deep.equal([])
  })

  it('parks a question that its queue refuses for good, and no other; it is sent when it is redriven (P8)', async () => {
    const [before, [large], after] = [await ask(15), await ask(1, { timestamp: 'x'.repeat(2_000) }), await ask(15)]
    const client = new SQSClient({
      region: 'eu-west-1',
      endpoint: server.env.SQS_ENDPOINT,
      useQueueUrlAsEndpoint: false,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    })
    const allow = (bytes: number) =>
      client.send(
        new SetQueueAttributesCommand({
          QueueUrl: server.env.SQS_AI_NOTE_QUEUE_URL,
          Attributes: { MaximumMessageSize: String(bytes) },
        }),
      )
    await allow(1_024)
    run()
    await settled()
    expect(sorted(await taken())).to.deep.equal([...before, ...after])
    const stream = `ai-note-${large}`
    expect(parked.map((one) => one.stream)).to.deep.equal([stream])
    expect(parked[0]!.cause).to.match(/^ai-notes refused a message: InvalidParameterValue .*shorter than 1024 bytes/)

    await askToRedrive(shop.db, 'sqs-bridge', stream)
    await eventually(async () => expect(await parkedOf(shop.db, 'sqs-bridge', stream)).to.deep.equal({ due: 0, parked: 1 }))
    await allow(1_048_576)
    await askToRedrive(shop.db, 'sqs-bridge', stream)
    await eventually(async () => expect(await parkedOf(shop.db, 'sqs-bridge', stream)).to.deep.equal({ due: 0, parked: 0 }))
    expect(await taken()).to.deep.equal([large])
    expect(await dispatched()).to.deep.equal(onceEach([...before, large!, ...after]))
    client.destroy()
  })

  const misconfigured: [string, ReturnType<NonNullable<SqsProxy['fate']>>, RegExp][] = [
    [
      'there is no such queue',
      { status: 400, type: 'com.amazonaws.sqs#QueueDoesNotExist', message: 'The specified queue does not exist.' },
      /make the queue/,
    ],
    [
      'its keys are unknown',
      { status: 403, type: 'InvalidClientTokenId', message: 'The security token is invalid.' },
      /AWS_… keys/,
    ],
    [
      'it may not send',
      { status: 403, type: 'AccessDeniedException', message: 'not authorized to perform: sqs:sendmessage' },
      /sqs:SendMessage is allowed/,
    ],
    [
      'its queue is of a key that it may not use',
      { refuse: () => true, code: 'KMS.AccessDeniedException', isSendersFault: true },
      /is allowed/,
    ],
  ]
  for (const [what, fault, remedy] of misconfigured)
    it(`waits when ${what}: one clear line, a lag, nothing parked; it goes on by itself`, async () => {
      const notes = await ask(25)
      proxy.fate = () => fault
      run()
      await eventually(() => expect(errors.length).to.be.at.least(3))
      for (const { name, message } of errors) {
        expect(name).to.equal('OperatorError')
        expect(message).to.match(/^the queue ai-notes \(SQS_AI_NOTE_QUEUE_URL\) did not take \d+ messages: [^\n]*$/)
        expect(message).to.match(remedy)
      }
      expect([await behind(), parked]).to.deep.equal([25, []])
      proxy.fate = undefined
      await everythingOnce(notes)
      expect(parked).to.deep.equal([])
    })

  it('goes on by itself when a queue that was not there is made', async () => {
    const env = {
      ...server.env,
      SQS_ENDPOINT: proxy.url,
      SQS_AI_NOTE_QUEUE_URL: server.env.SQS_AI_NOTE_QUEUE_URL.replace('ai-notes', 'later'),
    }
    const original = server.env.SQS_AI_NOTE_QUEUE_URL
    server.env.SQS_AI_NOTE_QUEUE_URL = env.SQS_AI_NOTE_QUEUE_URL
    const notes = await ask(25)
    run()
    await eventually(() => expect(errors.length).to.be.at.least(2))
    expect(errors[0]!.message).to.match(/^the queue later \(SQS_AI_NOTE_QUEUE_URL\) .*QueueDoesNotExist/)
    expect([await behind(), parked]).to.deep.equal([25, []])
    const client = new SQSClient({
      region: 'eu-west-1',
      endpoint: server.env.SQS_ENDPOINT,
      useQueueUrlAsEndpoint: false,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    })
    await client.send(new CreateQueueCommand({ QueueName: 'later' }))
    await everythingOnce(notes)
    client.destroy()
    server.env.SQS_AI_NOTE_QUEUE_URL = original
  })

  it('has on record what was sent before a queue went, while the rest waits', async () => {
    const videoId = newVideo()
    await shop.record(videoAdded({ videoId }), summaryRequested({ request: `summary-${videoId}`, videoId, attempt: 1 }))
    const notes = await ask(25)
    proxy.fate = (_, url) => (url.endsWith('summaries') ? 'reset' : undefined)
    const first = run()
    await eventually(async () => expect(await dispatched()).to.deep.equal(onceEach(notes)))
    expect(await behind()).to.be.at.least(1)
    await first.stop()
    // The next one was not told what the first had sent.
    proxy.fate = undefined
    run()
    await settled()
    expect(sorted(await taken())).to.deep.equal(notes)
    expect((await server.take(server.env.SQS_SUMMARY_QUEUE_URL)).map(({ video_id }) => video_id)).to.deep.equal([videoId])
  })

  it('is owned by one of two, and the other goes on where that one stops', async () => {
    const [one] = [run(), run()]
    const first = await ask(100)
    await settled()
    await one.stop()
    const second = await ask(100)
    await everythingOnce([...first, ...second])
  })
})
