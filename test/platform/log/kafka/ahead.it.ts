import { expect } from 'chai'
import type { Recorded } from '#events/kit/envelope.ts'
import { ownership, throwFenced } from '#platform/log/consumers/ownership.ts'
import { withTopics } from '#platform/log/kafka/topics.ts'
import type { Follower } from '#platform/log/port.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { AheadOfLog, LogHalted, readTimeline } from '#platform/log/timeline.ts'
import { group, topic, write } from '#test/conformance/log/groups.ts'
import { eventually } from '#test/kit/eventually.ts'
import { kafkaBrokers } from '#test/kit/kafka.ts'
import { type Workbench, workbench } from './workbench.ts'

const SOON = { withinMs: 20_000, everyMs: 50 }

describe('a topic that is ahead of the log', function () {
  this.timeout(60_000)
  let bench: Workbench
  before(async function () {
    await kafkaBrokers(this)
  })
  beforeEach(async () => {
    bench = await workbench()
  })
  afterEach(() => bench.close())

  const relayed = async () => (await bench.db.query<{ pos: number }>('t.relayed', 'select pos from log.relay'))[0]!.pos
  const published = (pos: number) => eventually(async () => expect(await relayed()).to.equal(pos), SOON)
  const halted = async () => (await readTimeline(bench.db)).halted
  const all = new Map(Array.from({ length: topic.partitions }, (_, partition) => [partition, 0]))
  const appended = () => postgresReader(bench.db, bench.listener).read({ topic: topic.name, after: all, limit: 1_000 })
  /** A well-formed record that the log does not have. */
  const alien = (like: Recorded, pos: number): Recorded => ({ ...like, id: crypto.randomUUID(), pos })

  /** A consumer whose effect is its checkpoint alone. */
  function consumer(name: string) {
    const own = ownership(bench.db, { consumer: name, topic: topic.name })
    const seen: number[] = []
    const errors: unknown[] = []
    const follower: Follower = {
      consumer: name,
      topic,
      resume: own.resume,
      async handle(batch) {
        const fresh = own.beyond(batch)
        if (fresh.length === 0) return
        await own.commit(fresh, async (moves) => {
          const values = [name, topic.name, JSON.stringify(moves)]
          await bench.db.query('t.move', 'select log.move_checkpoints($1, $2, $3)', values).catch(throwFenced)
          return []
        })
        seen.push(...fresh.map(({ pos }) => pos))
      },
      onError: (error) => errors.push(error),
    }
    return { seen, errors, follower }
  }
  const stands = async () =>
    (await bench.db.query<{ pos: number }>('t.stands', 'select coalesce(max(pos), 0) as pos from log.checkpoints'))[0]!.pos

  for (const [what, beyond] of [
    ['far beyond its end', 9_000_000],
    ['just beyond its end', 1],
  ] as const)
    it(`moves no checkpoint to a record ${what}, however often it is tried, and tells why`, async () => {
      const relay = bench.relay()
      for (let version = 0; version < 3; version++) await write(bench.writer, 'thing-1', version, 1)
      await published(3)
      const one = consumer(`consumer-${what.length}`)
      bench.reader().follow(one.follower)
      await eventually(() => expect(one.seen).to.deep.equal([1, 2, 3]), SOON)
      await bench.inject([alien((await appended()).at(-1)!, 3 + beyond)])
      await eventually(() => expect(one.errors.some((error) => error instanceof AheadOfLog)).to.equal(true), SOON)
      expect(String(one.errors.find((error) => error instanceof AheadOfLog))).to.match(
        /that is not in the log.+npx vidwiz restored/,
      )
      // The log reaches that position with an event of its own.
      await write(bench.writer, 'thing-2', 0, 1)
      await published(4)
      const told = one.errors.length
      await eventually(() => expect(one.errors.length).to.be.greaterThan(told), SOON)
      expect(await stands()).to.be.lessThan(4)
      await relay.stop()

      // Declared void, it is passed over by who follows and by who reads.
      const [found] = (await bench.onTopic()).filter(({ pos }) => pos === 3 + beyond)
      await bench.db.query(
        't.void',
        'insert into log.voided (topic, partition, first_offset, last_offset, epoch) values ($1, $2, $3, $3, 2)',
        [topic.name, found!.partition, found!.offset],
      )
      bench.relay()
      await write(bench.writer, 'thing-1', 3, 1)
      await eventually(() => expect(one.seen.toSorted()).to.deep.equal([1, 2, 3, 4, 5]), SOON)
      const read = await bench.reader().read({ topic: topic.name, after: all, limit: 100, whole: true })
      expect(read.map(({ id }) => id)).to.deep.equal((await appended()).map(({ id }) => id))
    })

  it('takes no record of somebody else in the midst of others for an event, nor leaves out the event that has its position', async () => {
    const relay = bench.relay()
    await write(bench.writer, 'thing-1', 0, 3)
    await published(3)
    // As another log would that publishes to the same topic: the position is given out a moment later.
    const stranger = alien((await appended()).at(-1)!, 4)
    await bench.inject([stranger])
    await write(bench.writer, 'thing-1', 3, 3)
    await published(6)
    await relay.stop()

    const one = consumer('consumer')
    const ids: string[] = []
    const handle = one.follower.handle
    one.follower.handle = (batch) => {
      ids.push(...batch.map(({ id }) => id))
      return handle(batch)
    }
    bench.reader().follow(one.follower)
    await eventually(() => expect(one.errors.some((error) => error instanceof AheadOfLog)).to.equal(true), SOON)
    expect(ids).not.to.include(stranger.id)
    expect(await stands()).to.be.lessThan(4)
    const replay = () => bench.reader().read({ topic: topic.name, after: all, limit: 100, whole: true })
    const refusal = await replay().catch((error) => error)
    expect(refusal).to.be.instanceOf(AheadOfLog)
    expect(String(refusal)).to.match(/position 4 that the log does not have.+npx vidwiz restored/)

    const [found] = (await bench.onTopic()).filter(({ pos }) => pos === 4)
    await bench.db.query(
      't.void',
      'insert into log.voided (topic, partition, first_offset, last_offset, epoch) values ($1, $2, $3, $3, 2)',
      [topic.name, found!.partition, found!.offset],
    )
    await eventually(() => expect(one.seen).to.deep.equal([1, 2, 3, 4, 5, 6]), SOON)
    expect((await replay()).map(({ id }) => id)).to.deep.equal((await appended()).map(({ id }) => id))
  })

  it('stops the relay before it publishes anything, and all appends', async () => {
    const first = bench.relay()
    await write(bench.writer, 'thing-1', 0, 3)
    await published(3)
    await first.stop()
    await bench.inject([alien((await appended()).at(-1)!, 4), alien((await appended()).at(-1)!, 5)])
    await write(bench.writer, 'thing-1', 3, 1)
    const before = (await bench.onTopic()).length
    const errors: unknown[] = []
    bench.relay({ onError: (error) => errors.push(error) })
    await eventually(() => expect(errors.at(-1)).to.be.instanceOf(AheadOfLog), SOON)
    expect(await halted()).to.match(/holds \d+ records from offset 3 on that the log does not have, up to position [45]/)
    const refusal = await bench.writer.append([group('thing-1', 4, [{}])]).catch((error) => error)
    expect(refusal).to.be.instanceOf(LogHalted)
    expect((await bench.onTopic()).length).to.equal(before)
    expect(await relayed()).to.equal(3)
  })

  it('stops the relay when a topic has less than was published to it', async () => {
    const first = bench.relay()
    await write(bench.writer, 'thing-1', 0, 3)
    await published(3)
    await first.stop()
    await withTopics(bench.options, (topics) => topics.remove([topic]))
    await eventually(() => withTopics(bench.options, (topics) => topics.create([topic])), SOON)
    const errors: unknown[] = []
    bench.relay({ onError: (error) => errors.push(error) })
    await eventually(async () => expect(await halted()).to.match(/the relay had published up to offset 2/), SOON)
    expect(await bench.onTopic()).to.deep.equal([])
  })

  it('stops the relay when a topic was recreated, however much was written to it since', async () => {
    const first = bench.relay()
    await write(bench.writer, 'thing-1', 0, 3)
    await published(3)
    await first.stop()
    const [{ topic: name, partition }] = (await appended()) as [Recorded]
    await withTopics(bench.options, (topics) => topics.remove([topic]))
    await eventually(() => withTopics(bench.options, (topics) => topics.create([topic])), SOON)
    // As a relay that had not noticed would: more than there was before.
    await write(bench.writer, 'thing-1', 3, 4)
    await eventually(async () => bench.inject((await appended()).slice(3)), SOON)
    bench.relay()
    await eventually(
      async () =>
        expect(await halted()).to.equal(
          `${name}/${partition} was recreated: it does not have what the relay had published up to offset 2`,
        ),
      SOON,
    )
    expect(await relayed()).to.equal(3)
  })

  it('writes nothing down of what came to lie where something had been published before, and stops', async () => {
    const relay = bench.relay()
    await write(bench.writer, 'thing-1', 0, 3)
    await published(3)
    await withTopics(bench.options, (topics) => topics.remove([topic]))
    await eventually(() => withTopics(bench.options, (topics) => topics.create([topic])), SOON)
    await write(bench.writer, 'thing-1', 3, 1)
    await eventually(async () => expect(await halted()).to.match(/was recreated|the relay had published up to offset 2/), SOON)
    await relay.stop()
    expect(await relayed()).to.equal(3)
    const lies = await bench.db.query('t.lies', 'select pos, "offset" from log.offsets')
    expect(lies).to.deep.equal([{ pos: 3, offset: 2 }])
  })

  it('publishes again what was published and not written down, which is no sign of anything', async () => {
    const first = bench.relay()
    await write(bench.writer, 'thing-1', 0, 3)
    await published(3)
    await first.stop()
    await write(bench.writer, 'thing-1', 3, 2)
    await bench.inject((await appended()).slice(3))
    bench.relay()
    await published(5)
    expect(await halted()).to.equal(null)
  })

  it('halts appends when a process has seen more of the log than there is', async () => {
    await write(bench.writer, 'thing-1', 0, 1)
    const refusal = await bench.writer.append([group('thing-1', 1, [{}])], 7).catch((error) => error)
    expect(refusal).to.be.instanceOf(LogHalted)
    expect(await halted()).to.match(/appended up to position 7, but the log ends at 1/)
    expect((await appended()).length).to.equal(1)
  })
})
