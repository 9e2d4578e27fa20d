import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { readSettings } from '#platform/config/settings.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { withDeadLetters } from '#platform/sqs/dead-letters.ts'
import { openQueues } from '#platform/sqs/open.ts'
import { type Client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { onKafka } from '#test/kit/log.ts'
import type { Script } from '#test/kit/model-server.ts'
import { everyViewEqualsItsReplay } from '#test/kit/replay.ts'
import { vidwiz } from '#test/kit/run.ts'
import { LINE, SUMMARY } from '#test/kit/texts.ts'
import { obedient, startWhole, type Whole } from '#test/kit/whole.ts'

/** More of them in the long suite. */
const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 5)
const WITHIN = { withinMs: 200_000, everyMs: 100 }
/** Of the one video about which the model never answers. */
const UNANSWERED = 'what nobody answers'

describe('from an empty note to its text', function () {
  this.timeout(400_000 + ROUNDS * 20_000)
  let whole: Whole
  let db: Db
  let person: Client & { token: string }
  let unanswered: { videoId: string; noteId: number }
  before(async function () {
    whole = await startWhole(this, { AI_ANSWER_MINUTES: '0.4', TASK_LEASE_SECONDS: '15' })
    db = openDb(whole.stack.databaseUrl, { max: 2 })
    person = await newUser(whole.stack.url)
    await person.surely('PATCH', '/v2/users/me', { ai_notes_enabled: true })
    answer(obedient)
    if (onKafka) return
    // Three times nobody answers within 24 s: meanwhile the first tests run.
    const captions = [
      { language: 'en', format: 'json3' as const, said: Array.from({ length: 60 }, (_, i) => [UNANSWERED, i * 10, 10] as const) },
    ]
    const videoId = whole.newVideo({ captions })
    unanswered = { videoId, noteId: await take(videoId) }
  })
  after(async () => {
    await db?.close()
    await whole?.stop()
  })

  /** Sets how the model answers about all other videos. */
  const answer = (how: Script) =>
    whole.models.answer((asked) =>
      JSON.stringify(asked.body).includes(UNANSWERED) ? { status: 401, message: 'no' } : how(asked),
    )
  const take = async (videoId: string, note: object = {}) => {
    const { status, body } = await person.surely('POST', `/v2/videos/${videoId}/notes`, { timestamp: '1:23', ...note })
    expect(status).to.equal(201)
    return body.id as number
  }
  const notesOf = async (videoId: string) => (await person.surely('GET', `/v2/videos/${videoId}/notes`)).body
  const videoOf = async (videoId: string) => (await person.surely('GET', `/v2/videos/${videoId}`)).body
  /** Waits until every note of the videos has a text and every video a summary. */
  const written = (videos: readonly string[]) =>
    untilWritten(videos).catch(async (error) => {
      throw new Error(`${error.message}\n${await storiesOf(videos)}\n${whole.stack.output.slice(-80).join('\n')}`)
    })
  const storiesOf = async (videos: readonly string[]) =>
    (
      await db.query<{ line: string }>(
        't.stories',
        `select to_char(to_timestamp(time / 1000.0), 'MI:SS.MS ') || stream || ' ' || type || ' ' || left(data::text, 160) as line from log.events
          where key = any ($1) and key in (select n.video_id from views.notes n where coalesce(n.text, '') = '') order by pos`,
        [videos],
      )
    )
      .map(({ line }) => line)
      .join('\n')
  const untilWritten = (videos: readonly string[]) =>
    eventually(async () => {
      for (const videoId of videos) {
        for (const note of await notesOf(videoId))
          expect(note.text, `note ${note.id} on ${videoId}`).to.be.a('string').and.not.equal('')
        expect((await videoOf(videoId)).summary, videoId).to.equal(SUMMARY)
      }
    }, WITHIN)
  /** Each note was written once and each video summed up once; nothing was given up; views equal their replay. */
  const ledger = async (videos: readonly string[]) => {
    const twice = await db.query(
      't.ledger',
      `select stream, type, count(*) from log.events where key = any ($1)
        and type in ('NoteWrittenByAi', 'SummaryStored', 'JobAnswered', 'TranscriptStored') group by stream, type having count(*) > 1`,
      [videos],
    )
    expect(twice).to.deep.equal([])
    const givenUp = await db.query('t.givenUp', `select stream from log.events where type = 'JobGivenUp' and key = any ($1)`, [
      videos,
    ])
    expect(givenUp).to.deep.equal([])
  }

  it('fetches, asks and writes by itself, and tells who waits at the stream one after the other', async () => {
    const videoId = whole.newVideo()
    const noteId = await take(videoId)
    const answer = await fetch(`${whole.stack.url}/v2/videos/${videoId}/stream`, {
      headers: { authorization: `Bearer ${person.token}` },
    })
    const frames = (await answer.text()).split('\n\n').filter((frame) => frame.startsWith('event: '))
    expect(frames.at(-1)).to.match(/^event: done/)
    const last = JSON.parse(/^data: (.*)$/m.exec(frames.at(-1)!)![1]!).video
    expect(last).to.include({ transcript_available: true, summary: SUMMARY })
    expect(last.metadata).to.include({ duration: 600 })
    await written([videoId])
    expect(await notesOf(videoId)).to.have.nested.property('0.text', LINE)
    expect((await notesOf(videoId))[0]).to.include({ id: noteId, generated_by_ai: true })
    await ledger([videoId])
  })

  it('writes 200 empty notes on 8 new videos taken at once, each once', async function () {
    if (onKafka) this.skip() // The log makes no difference to it. The kills below are met on both.
    const videos = Array.from({ length: 8 }, () => whole.newVideo())
    await Promise.all(videos.flatMap((videoId) => Array.from({ length: 25 }, () => take(videoId))))
    await written(videos)
    await ledger(videos)
    for (const videoId of videos) expect(await notesOf(videoId)).to.have.length(25)
  })

  it('leaves what the author wrote meanwhile, and bears messages that come twice', async () => {
    const videoId = whole.newVideo()
    answer(async function* (asked) {
      await sleep(1_500)
      yield* obedient(asked)
    })
    const [mine, empty] = [await take(videoId), await take(videoId)]
    await eventually(() => expect(whole.models.asked.at(-1)?.path).to.be.a('string'), WITHIN)
    await person.surely('PATCH', `/v2/notes/${mine}`, { text: 'mine' })
    await eventually(async () => {
      const sent = await db.query('t.sent', `select from log.events where type = 'JobDispatched' and stream = $1`, [
        `ai-note-${empty}`,
      ])
      expect(sent.length).to.equal(1)
    }, WITHIN)
    // The bridge forgets that it has sent anything: as after a crash between sending and recording.
    await sendAgain(videoId)
    await written([videoId])
    answer(obedient)
    expect((await notesOf(videoId)).find((note: { id: number }) => note.id === mine).text).to.equal('mine')
    await ledger([videoId])
  })

  const deadLetters = async () => {
    const settings = readSettings(whole.stack.env)
    const queues = await openQueues(settings)
    const urls = [settings.SQS_AI_NOTE_QUEUE_URL!, settings.SQS_SUMMARY_QUEUE_URL!]
    const states = await Promise.all(urls.map((url) => withDeadLetters(queues, url)))
    queues.close()
    return states.reduce((sum, { dead }) => sum + dead!.attributes.visible + dead!.attributes.inFlight, 0)
  }

  /** Puts every message about a video into its queue once more. */
  async function sendAgain(videoId: string) {
    const settings = readSettings(whole.stack.env)
    const queues = await openQueues(settings)
    const asked = await db.query<{ data: string }>(
      't.requests',
      `select data from log.events where type = 'AiNoteRequested' and key = $1`,
      [videoId],
    )
    const bodies = asked.map(({ data }) => {
      const { noteId: id, videoId: video_id, timestamp, userId: user_id } = JSON.parse(data)
      return { id: String(id), body: JSON.stringify({ id, video_id, timestamp, user_id }) }
    })
    const sent = await queues.sendBatch(settings.SQS_AI_NOTE_QUEUE_URL!, bodies)
    expect(sent.every(({ messageId }) => messageId)).to.equal(true)
    queues.close()
  }

  it('goes on when the model fails twice, or says too little', async () => {
    const videoId = whole.newVideo()
    let asked = 0
    answer((one) => (++asked <= 2 ? { status: 503, message: 'overloaded' } : asked === 3 ? ['Too short.'] : obedient(one)))
    await take(videoId)
    await written([videoId])
    answer(obedient)
    await ledger([videoId])
  })

  it('gives up in the end when the model never answers, and says so; one command asks again', async function () {
    if (onKafka) this.skip()
    const { videoId, noteId } = unanswered
    await eventually(async () => {
      const [last] = await db.query<{ type: string }>(
        't.last',
        'select type from log.events where stream = $1 order by version desc limit 1',
        [`ai-note-${noteId}`],
      )
      expect(last?.type).to.equal('JobGivenUp')
    }, WITHIN)
    whole.models.answer(obedient)
    const { code, stdout } = await vidwiz(['requests', 'redrive', `note-${noteId}`], whole.stack.env).finished
    expect({ code, stdout }).to.have.property('code', 0)
    await eventually(async () => expect((await notesOf(videoId))[0].text).to.equal(LINE), WITHIN)
  })

  it(`loses nothing and does nothing twice when parts are killed ${ROUNDS} times at random`, async () => {
    const kinds = [
      'ai-notes',
      'summaries',
      'sqs-bridge',
      'fetch-scheduler',
      'lambda-runner',
      'transcript-helper',
      'metadata-helper',
      'local-aws',
      'projector',
      'api',
    ]
    const deadBefore = await deadLetters()
    const order = kinds.toSorted(() => Math.random() - 0.5)
    const videos: string[] = []
    let writing = true
    const writer = (async () => {
      while (writing) {
        const videoId = whole.newVideo()
        videos.push(videoId)
        await Promise.all(Array.from({ length: 5 }, () => take(videoId)))
        await sleep(1_000)
      }
    })()
    const killed: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await sleep(500 + Math.random() * 1_500)
      // In turns, so that each is met: the moments are what is left to chance.
      const part = order[round % order.length]!
      await whole.stack.signal(part, 'SIGKILL')
      killed.push(part)
    }
    writing = false
    await writer
    await written(videos)
    await ledger(videos)
    await everyViewEqualsItsReplay(whole.stack.databaseUrl)
    expect(await deadLetters()).to.equal(deadBefore)
    console.log(`      killed ${killed.join(', ')}; ${videos.length} videos, ${videos.length * 5} notes, lost 0, double 0`)
  })
})
