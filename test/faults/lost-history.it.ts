import { expect } from 'chai'
import kafkajs from 'kafkajs'
import type { Recorded } from '#events/kit/envelope.ts'
import { topics } from '#events/topics.ts'
import { toMessage } from '#platform/log/kafka/message.ts'
import { withTopics } from '#platform/log/kafka/topics.ts'
import { plainWire } from '#platform/log/kafka/wire.ts'
import { EVENT_COLUMNS } from '#platform/log/postgres/rows.ts'
import { openDb } from '#platform/pg/pool.ts'
import { type Client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { kafkaBrokers } from '#test/kit/kafka.ts'
import { everyViewEqualsItsReplay } from '#test/kit/replay.ts'
import { vidwiz } from '#test/kit/run.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'

const PATIENCE = { withinMs: 60_000, everyMs: 100 }
const PARTS = ['relay', 'projector', 'api']
const NOTES = 'vidwiz.notes'
/** Their notes lie in several partitions. */
const VIDEOS = ['dQw4w9WgXcQ', 'jNQXAC9IVRw', '9bZkp7q19f0', 'kJQP7kiw5Fk']

const LOST =
  /^vidwiz: Kafka does not have the whole history of vidwiz\.notes, partition \d+: .+\. The database still has all events: run this without Kafka \(KAFKA_BROKERS= before the command\)/m

describe('a topic that lost records', function () {
  this.timeout(300_000)
  let brokers: string
  let stack: Stack
  let person: Client
  before(async function () {
    brokers = await kafkaBrokers(this)
    stack = await startStack({ OPS_PASSWORD: '' }, { brokers, parts: PARTS })
    person = await newUser(stack.url)
    for (let round = 0; round < 3; round++) for (const video of VIDEOS) await write(video, `note ${round}`)
    await relayed()
  })
  after(() => stack?.stop())

  async function write(video: string, text: string) {
    const { status, body } = await person.surely('POST', `/v2/videos/${video}/notes`, { timestamp: '0:01', text })
    expect(status, JSON.stringify(body)).to.equal(201)
  }
  const textsOf = async (video: string): Promise<string[]> => {
    const { body } = await person.call('GET', `/v2/videos/${video}/notes`)
    return body.map(({ text }: { text: string }) => text)
  }
  const run = (...args: string[]) => vidwiz(args, stack.env).finished
  async function sql<T extends object>(text: string): Promise<T[]> {
    const db = openDb(stack.databaseUrl, { max: 1 })
    try {
      return await db.query<T>('test', text)
    } finally {
      await db.close()
    }
  }
  const relayed = () =>
    eventually(async () => {
      const [row] = await sql<{ behind: number }>(
        'select (select max(pos) from log.events) - (select pos from log.relay) as behind',
      )
      expect(row!.behind).to.equal(0)
    }, PATIENCE)
  const rowsOfNotes = () => sql('select to_jsonb(n) as row from views.notes n order by note_id')

  async function kafka<T>(work: (admin: kafkajs.Admin, name: string) => Promise<T>): Promise<T> {
    const admin = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING }).admin()
    await admin.connect()
    try {
      return await work(admin, stack.env.KAFKA_PREFIX + NOTES)
    } finally {
      await admin.disconnect()
    }
  }
  /** Deletes the first records of those partitions that have some: all of them, or so many. */
  const cut = ({ most = Infinity, partitions = Infinity } = {}) =>
    kafka(async (admin, name) => {
      const offsets = await admin.fetchTopicOffsets(name)
      const filled = offsets.filter(({ high }) => Number(high) > 0).slice(0, partitions)
      const to = filled.map(({ partition, high }) => ({ partition, offset: String(Math.min(most, Number(high))) }))
      await admin.deleteTopicRecords({ topic: name, partitions: to })
    })
  const remove = () =>
    kafka(async (admin, name) => {
      await admin.deleteTopics({ topics: [name] })
      await eventually(async () => expect(await admin.listTopics()).to.not.include(name), PATIENCE)
    })
  const makeAnew = () =>
    withTopics({ brokers: brokers.split(','), prefix: stack.env.KAFKA_PREFIX! }, (tools) => tools.create(topics))

  /** None of the commands that replay makes anything of what is left. */
  async function isRefused(why: RegExp) {
    const rows = await rowsOfNotes()
    const commands = [
      ['rebuild', 'notes'],
      ['rebuild', 'notes', '--dry-run'],
      ['verify', 'notes'],
      ['as-of', 'notes', '--position', '15'],
    ]
    await Promise.all(
      commands.map(async (command) => {
        const { code, stdout, stderr } = await run(...command)
        expect([code, stdout], command.join(' ')).to.deep.equal([1, ''])
        expect(stderr, command.join(' ')).to.match(why).and.to.not.contain('    at ')
      }),
    )
    expect(await rowsOfNotes()).to.deep.equal(rows)
    expect(await sql('select from log.past_views')).to.deep.equal([])
  }

  /** What the refusal says to do works as it is said. */
  async function databaseHasIt({ rows = 12 } = {}) {
    const env = { ...stack.env, KAFKA_BROKERS: '' }
    const rebuilt = await vidwiz(['rebuild', 'notes'], env).finished
    expect([rebuilt.code, rebuilt.stdout]).to.satisfy(
      ([code, text]: [number, string]) => code === 0 && text.startsWith(`notes: rebuilt ${rows} rows from ${rows} events`),
      rebuilt.stderr,
    )
    expect((await vidwiz(['verify', 'notes'], env).finished).stdout).to.equal(`notes: ${rows} rows, all equal to their replay\n`)
  }

  it('is replayed by no command when the first records of a single partition were deleted; the database has them', async () => {
    await cut({ most: 1, partitions: 1 })
    await isRefused(LOST)
    await databaseHasIt()
  })

  it('is replayed by no command when all records were deleted from it', async () => {
    await cut()
    await isRefused(LOST)
    // Who follows goes on: it has applied what is gone.
    await write(VIDEOS[0]!, 'later')
    await eventually(async () => expect(await textsOf(VIDEOS[0]!)).to.include('later'), PATIENCE)
  })

  it('holds up only the views that have to be built from it: in a projector that starts, the others go on', async () => {
    await sql(`delete from log.views where view = 'notes'`)
    const from = stack.output.length
    await stack.signal('projector', 'SIGTERM')
    const other = await newUser(stack.url)
    await eventually(async () => expect((await other.call('GET', '/v2/users/me')).status).to.equal(200), PATIENCE)
    await eventually(
      () =>
        expect(stack.output.slice(from).join('\n')).to.match(/"view":"notes".*not have the whole history.*cannot build a view/),
      PATIENCE,
    )
    // As the message says.
    await databaseHasIt({ rows: 13 })
    await write(VIDEOS[0]!, 'built from the database')
    await eventually(async () => expect(await textsOf(VIDEOS[0]!)).to.include('built from the database'), PATIENCE)
  })

  it('is replayed by no command when it was recreated; once restored it has all records again, and is', async () => {
    await stack.parts.stop()
    await remove()
    await makeAnew()
    await isRefused(LOST)
    const unchanged = await run('restored', '--dry-run')
    expect([unchanged.code, unchanged.stdout]).to.satisfy(
      ([code, text]: [number, string]) => code === 0 && /vidwiz\.notes\/\d+ ends at offset -1, though 2 was published/.test(text),
      unchanged.stdout + unchanged.stderr,
    )
    const done = await run('restored', '--reason', 'somebody deleted the topic')
    expect(done.code, done.stdout + done.stderr).to.equal(0)
    await wholeAgain()
  })

  it('has all records again when it was recreated and written to before anybody noticed', async () => {
    const all = await sql<Recorded>(`select ${EVENT_COLUMNS} from log.events where topic = '${NOTES}' order by pos`)
    await stack.parts.stop()
    await remove()
    await makeAnew()
    const producer = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING }).producer({
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition!,
    })
    await producer.connect()
    // In one partition less than there was, in the others more: neither its end nor its length tells.
    const [first, ...others] = Map.groupBy(all, ({ partition }) => partition).values()
    const written = [first!.at(-1)!, ...others.flatMap((events) => Array<Recorded>(9).fill(events[1]!))]
    const messages = written.map((event) => toMessage(event, plainWire))
    await eventually(() => producer.send({ topic: stack.env.KAFKA_PREFIX + NOTES, messages }), PATIENCE)
    await producer.disconnect()
    const done = await run('restored', '--reason', 'somebody deleted the topic, and a relay went on')
    expect(done.code, done.stdout + done.stderr).to.equal(0)
    expect(done.stdout.match(/was recreated/g)).to.have.length(others.length + 1)
    await wholeAgain()
  })

  /** Starts the system again: every replay finds all of history, and it goes on. */
  async function wholeAgain() {
    const again = await startStack(stack.env, {
      brokers,
      parts: PARTS,
      database: { url: stack.databaseUrl, drop: async () => {} },
    })
    try {
      await relayed()
      expect((await run('verify')).code).to.equal(0)
      const rebuilt = await run('rebuild', 'notes')
      expect([rebuilt.code, rebuilt.stdout]).to.satisfy(
        ([code, text]: [number, string]) => code === 0 && /^notes: rebuilt \d+ rows from \d+ events/.test(text),
        rebuilt.stderr,
      )
      await everyViewEqualsItsReplay(stack.databaseUrl)
    } finally {
      await again.parts.stop()
    }
  }
})
