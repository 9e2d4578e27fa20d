import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { eventually } from '#test/kit/eventually.ts'
import { findSecrets } from '#test/kit/secrets.ts'
import { ADMIN_TOKEN, MODEL_KEY, NOTE, rows, SUMMARY, startWorld, type World } from './world.ts'

const VIDEO = 'dQw4w9WgXcQ'
const message = { id: 1, video_id: VIDEO, timestamp: '1:23', user_id: 7 }

describe('the bundled Lambdas', () => {
  let world: World
  beforeEach(async () => {
    world = await startWorld()
    world.api.videos.set(VIDEO, { title: 'A title' })
  })
  afterEach(() => world.stop())

  const calls = (method: string) => world.api.calls.filter((call) => call.method === method)
  const asked = () => world.model.asked.map(({ body }) => body.contents[0].parts[0].text as string)
  const isEmpty = (queueUrl: string) =>
    eventually(async () => expect(await world.aws.count(queueUrl)).to.deep.equal({ visible: 0, hidden: 0 }))

  describe('ai-note', () => {
    it('writes a note from what is said at its moment, for the request that asked', async () => {
      world.model.answer(() => [`"${NOTE}"\n`])
      await world.aws.put(VIDEO, rows)
      await world.aws.send(world.aws.queues.notes, { ...message, correlation_id: 'request-1', causation_id: 'event-1' })
      await world.run({ CONTEXT_SEGMENTS: '2' })
      await eventually(() => expect(calls('PATCH')).to.have.length(1))
      const [{ path, body, headers }] = calls('PATCH') as [World['api']['calls'][0]]
      expect({ path, body }).to.deep.equal({ path: '/v2/internal/notes/1', body: { text: NOTE, generated_by_ai: true } })
      expect(headers).to.include({ 'x-request-id': 'request-1', 'x-causation-id': 'event-1' })
      expect(asked()).to.have.length(1)
      expect(asked()[0]).to.include('sentence 6 sentence 7 [sentence 8] sentence 9 sentence 10')
      expect(asked()[0]).to.include('A title').and.to.include('1:23')
      await isEmpty(world.aws.queues.notes)
    })

    it('takes the title from a message that has one, and a whole note as the dispatcher sends it', async () => {
      world.model.answer(() => [NOTE])
      await world.aws.put(VIDEO, rows)
      const note = { ...message, text: null, generated_by_ai: false, created_at: 'then', updated_at: 'then' }
      await world.aws.send(world.aws.queues.notes, { ...note, video: { title: 'Its own title' } })
      await world.run()
      await isEmpty(world.aws.queues.notes)
      expect(asked()[0]).to.include('Its own title')
      expect(calls('GET')).to.have.length(0)
      expect(calls('PATCH')).to.have.length(1)
    })

    it('asks again after a wrong length, telling what was wrong', async () => {
      const answers = ['too short', 'x'.repeat(121), NOTE]
      world.model.answer(() => [answers.shift()!])
      await world.aws.put(VIDEO, rows)
      await world.aws.send(world.aws.queues.notes, message)
      await world.run()
      await eventually(() => expect(calls('PATCH').map(({ body }) => body.text)).to.deep.equal([NOTE]))
      expect(asked()[1]).to.include('it has 9 characters, fewer than 40').and.to.include('too short')
      expect(asked()[2]).to.include('it has 121 characters, more than 120')
    })

    it('never saves a line of a wrong length: the message ends in the dead-letter queue', async () => {
      world.model.answer(() => ['too short'])
      await world.aws.put(VIDEO, rows)
      await world.aws.send(world.aws.queues.notes, message)
      await world.run()
      const dead = world.aws.dead(world.aws.queues.notes)
      await eventually(async () => expect(await world.aws.count(dead)).to.include({ visible: 1 }))
      expect(await world.aws.take(dead)).to.deep.equal([JSON.stringify(message)])
      expect(calls('PATCH')).to.have.length(0)
      // Three receptions, three questions each.
      expect(asked()).to.have.length(9)
    })

    it('asks again when the model is too busy', async () => {
      const answers = [{ status: 429, message: 'quota' }, { status: 503, message: 'busy' }, [NOTE]]
      world.model.answer(() => answers.shift()!)
      await world.aws.put(VIDEO, rows)
      await world.aws.send(world.aws.queues.notes, message)
      await world.run()
      await eventually(() => expect(calls('PATCH')).to.have.length(1))
      expect(asked()).to.have.length(3)
      expect(world.lines.filter(({ msg }) => msg.startsWith('failed'))).to.deep.equal([])
    })

    it('asks a model that refuses the key only once per reception, and tells nobody the key', async () => {
      world.model.answer(() => ({ status: 401, message: `not this one: ${MODEL_KEY}` }))
      await world.aws.put(VIDEO, rows)
      await world.aws.send(world.aws.queues.notes, message)
      await world.run()
      const dead = world.aws.dead(world.aws.queues.notes)
      await eventually(async () => expect(await world.aws.count(dead)).to.include({ visible: 1 }))
      expect(asked()).to.have.length(3)
      expect(world.lines.filter(({ msg }) => msg === 'failed: Gemini refused the API key (401)')).to.have.length(3)
      expect(
        findSecrets(
          world.lines.map((line) => JSON.stringify(line)),
          [MODEL_KEY, ADMIN_TOKEN],
        ),
      ).to.deep.equal([])
    })

    it('gives up on a model that never answers before its own time is over, and says so', async () => {
      world.model.answer(async function* ({ hungUp }) {
        await delay(60_000, undefined, { signal: hungUp }).catch(() => {})
        yield NOTE
      })
      await world.aws.put(VIDEO, rows)
      await world.aws.send(world.aws.queues.notes, message)
      await world.run({}, { timeoutSeconds: 2 })
      const dead = world.aws.dead(world.aws.queues.notes)
      await eventually(async () => expect(await world.aws.count(dead)).to.include({ visible: 1 }))
      // The function answered: its process lives on.
      expect(world.lines.filter(({ msg }) => msg === 'failed: there was no time left')).to.have.length(3)
      expect(world.lines.filter(({ msg }) => msg === 'started a function')).to.have.length(1)
      expect(calls('PATCH')).to.have.length(0)
    })

    it('is done once when its process is killed half way', async () => {
      const held = Promise.withResolvers<void>()
      world.model.answer(async function* () {
        if (world.model.asked.length === 1) await held.promise
        yield NOTE
      })
      await world.aws.put(VIDEO, rows)
      await world.aws.send(world.aws.queues.notes, message)
      const runner = await world.run()
      await eventually(() => expect(asked()).to.have.length(1))
      process.kill(runner.pids()['ai-note']!, 'SIGKILL')
      await eventually(() => expect(calls('PATCH')).to.have.length(1))
      held.resolve()
      await isEmpty(world.aws.queues.notes)
      expect(calls('PATCH')).to.have.length(1)
      expect(world.lines.map(({ msg }) => msg)).to.include('the whole batch failed: its process ended by SIGKILL')
    })

    it('waits for a transcript that is on its way', async () => {
      world.model.answer(() => [NOTE])
      await world.aws.send(world.aws.queues.notes, message)
      await world.run({ TRANSCRIPT_FETCH_MAX_RETRIES: '100' })
      await eventually(() => expect(world.lines.some(({ msg }) => msg === 'started a function')).to.equal(true))
      await world.aws.put(VIDEO, rows)
      await eventually(() => expect(calls('PATCH')).to.have.length(1))
    })

    it('fails the messages alone that are not as they should be', async () => {
      world.model.answer(() => [NOTE])
      await world.aws.put(VIDEO, rows)
      await world.aws.put('emptyvideo1', [])
      const { notes } = world.aws.queues
      const bad = [
        'no JSON',
        '[]',
        { ...message, id: 'x' },
        { ...message, timestamp: 'soon' },
        { ...message, timestamp: '59:00' },
      ]
      for (const one of [...bad, { ...message, video_id: 'emptyvideo1' }]) await world.aws.send(notes, one)
      for (const id of [11, 12, 13]) await world.aws.send(notes, { ...message, id })
      await world.run()
      await eventually(async () => expect(await world.aws.count(world.aws.dead(notes))).to.include({ visible: 6 }))
      await isEmpty(notes)
      expect(
        calls('PATCH')
          .map(({ path }) => path)
          .sort(),
      ).to.deep.equal([11, 12, 13].map((id) => `/v2/internal/notes/${id}`))
      expect(asked()).to.have.length(3)
    })

    it('is done when the note is gone, and tries again when the API is in trouble', async () => {
      world.model.answer(() => [NOTE])
      await world.aws.put(VIDEO, rows)
      world.api.deleted.add(1)
      let troubles = 2
      world.api.refuse = ({ path }) => (path.endsWith('/notes/2') && troubles-- > 0 ? 503 : undefined)
      await world.aws.send(world.aws.queues.notes, message)
      await world.aws.send(world.aws.queues.notes, { ...message, id: 2 })
      await world.run()
      await isEmpty(world.aws.queues.notes)
      expect(
        calls('PATCH')
          .map(({ path }) => path)
          .sort(),
      ).to.deep.equal([1, 2, 2, 2].map((id) => `/v2/internal/notes/${id}`))
      expect(asked()).to.have.length(2)
      expect(await world.aws.count(world.aws.dead(world.aws.queues.notes))).to.include({ visible: 0 })
    })

    it("fails at an address that is not the API's: that knows no note says nothing of this one", async () => {
      world.model.answer(() => [NOTE])
      await world.aws.put(VIDEO, rows)
      await world.aws.send(world.aws.queues.notes, { ...message, video: { title: 'T' } })
      await world.run({ VIDWIZ_ENDPOINT: `${world.api.url}/v2` })
      await isEmpty(world.aws.queues.notes)
      expect(await world.aws.count(world.aws.dead(world.aws.queues.notes))).to.include({ visible: 1 })
    })

    it('uses the keys that the system has, though whoever started it has a profile of their own', async () => {
      world.model.answer(() => [NOTE])
      await world.aws.put(VIDEO, rows)
      await world.aws.send(world.aws.queues.notes, message)
      await world.run({ AWS_PROFILE: 'of-somebody' })
      await isEmpty(world.aws.queues.notes)
      expect(calls('PATCH')).to.have.length(1)
    })

    it('works with OpenAI as well', async () => {
      world.model.answer(() => [NOTE])
      await world.aws.put(VIDEO, rows)
      await world.aws.send(world.aws.queues.notes, message)
      await world.run({
        LLM_PROVIDER: 'openai',
        OPENAI_API_KEY: 'another key',
        OPENAI_API_URL: `${world.model.url}/v1/responses`,
      })
      await eventually(() => expect(calls('PATCH')).to.have.length(1))
      expect(world.model.asked[0]!.path).to.equal('/v1/responses')
    })
  })

  describe('ai-summary', () => {
    it('stores the summary of all that is said, in one line', async () => {
      world.model.answer(() => [SUMMARY.replaceAll('. ', '.\n')])
      await world.aws.put(VIDEO, rows)
      await world.aws.send(world.aws.queues.summaries, { video_id: VIDEO })
      await world.run()
      await eventually(() => expect(calls('POST')).to.have.length(1))
      const [{ path, body }] = calls('POST') as [World['api']['calls'][0]]
      expect({ path, body }).to.deep.equal({ path: `/v2/internal/videos/${VIDEO}/summary`, body: { summary: SUMMARY } })
      expect(asked()[0]).to.include(rows.map(({ text }) => text).join(' '))
    })

    it('asks no model when there is a summary, as after a redelivery', async () => {
      world.model.answer(() => [SUMMARY])
      await world.aws.put(VIDEO, rows)
      const { summaries } = world.aws.queues
      await world.run()
      for (let i = 0; i < 3; i++) {
        await world.aws.send(summaries, { video_id: VIDEO })
        await isEmpty(summaries)
      }
      expect(calls('POST')).to.have.length(1)
      expect(asked()).to.have.length(1)
    })
  })

  describe('tasks-dispatcher', () => {
    it('asks for the summary and for the notes of each transcript, in batches of ten', async () => {
      const notes = Array.from({ length: 25 }, (_, i) => ({
        id: i + 1,
        video_id: VIDEO,
        timestamp: '1:23',
        text: null,
        user_id: 7,
      }))
      // Nobody could write those, and SQS would not even take the last one.
      const hopeless = ['a1:2b', '1:', `${' '.repeat(1_100_000)}1:23`].map((timestamp, i) => ({
        ...notes[0],
        id: i + 26,
        timestamp,
      }))
      world.api.videos.set(VIDEO, { notes: [...hopeless, ...notes] })
      const key = (id: string) => ({
        eventSource: 'aws:s3',
        eventName: 'ObjectCreated:Put',
        s3: { object: { key: `transcripts/${id}.json` } },
      })
      await world.aws.send(world.aws.queues.dispatch, { Service: 'Amazon S3', Event: 's3:TestEvent' })
      await world.aws.send(world.aws.queues.dispatch, { Records: [key(VIDEO), key('another-one')] })
      // Without a key of a model it is the only one that runs.
      await world.run({ SQS_DISPATCH_QUEUE_URL: world.aws.queues.dispatch, GEMINI_API_KEY: '' })
      await isEmpty(world.aws.queues.dispatch)
      const taken: string[] = []
      await eventually(async () => {
        taken.push(...(await world.aws.take(world.aws.queues.notes)))
        expect(taken).to.have.length(25)
      })
      expect(taken.map((body) => JSON.parse(body)).sort((a, b) => a.id - b.id)).to.deep.equal(notes)
      const summaries = await world.aws.take(world.aws.queues.summaries)
      expect(summaries.sort()).to.deep.equal(['another-one', VIDEO].map((video_id) => JSON.stringify({ video_id })))
    })
  })
})
