import { expect } from 'chai'
import { kafkaReader } from '#platform/log/kafka/reader.ts'
import { withTopics } from '#platform/log/kafka/topics.ts'
import { Fenced, NewerCode } from '#platform/log/port.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { OperatorError } from '#platform/operator-error.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { topic, write } from '#test/conformance/log/groups.ts'
import { eventually } from '#test/kit/eventually.ts'
import { kafkaBrokers } from '#test/kit/kafka.ts'
import { awayKafka } from './away.ts'
import { remembering, type Workbench, workbench } from './workbench.ts'

const all = new Map(Array.from({ length: topic.partitions }, (_, partition) => [partition, 0]))

describe('reading the log from Kafka', () => {
  let bench: Workbench
  before(function () {
    return kafkaBrokers(this)
  })
  beforeEach(async () => {
    bench = await workbench()
  })
  afterEach(() => bench.close())

  const appended = () => postgresReader(bench.db, bench.listener).read({ topic: topic.name, after: all, limit: 10_000 })
  const readable = (count: number) =>
    eventually(async () =>
      expect(await bench.reader().read({ topic: topic.name, after: all, limit: 1_000 })).to.have.length(count),
    )

  /** Waits until the relay has recorded, too, that it has published up to a position: what is behind counts to there. */
  const recorded = (pos: number) =>
    eventually(async () => expect(Math.max(...(await bench.reader().heads(topic)).values())).to.equal(pos))

  it('drops what is published twice, also when it comes late and out of order, as from a zombie of a relay', async () => {
    const { seen, follower } = remembering('doubled')
    const following = bench.reader().follow(follower)
    bench.relay()
    for (let n = 0; n < 10; n++) await write(bench.writer, 'thing-1', 0, 1)
    await eventually(() => expect(seen).to.have.length(10))
    const events = await appended()
    await bench.inject(events.slice(2, 5))
    await bench.inject(events)
    await write(bench.writer, 'thing-1', 0, 1)
    await eventually(() => expect(seen).to.have.length(11))
    await following.stop()
    expect(seen.map(({ version }) => version)).to.deep.equal(events.map((_, i) => i + 1).concat(11))
    await readable(11)
    await recorded(11)
    expect(await bench.reader().heads(topic)).to.deep.equal(new Map([[seen[0]!.partition, 11]]))
  })

  it('passes over what somebody else wrote to the topic, and says so', async () => {
    const { seen, errors, follower } = remembering('polluted')
    const following = bench.reader().follow(follower)
    bench.relay()
    await write(bench.writer, 'thing-1', 0, 1)
    await eventually(() => expect(seen).to.have.length(1))
    const { partition } = seen[0]!
    await bench.produce([
      { key: 'x', value: 'not even JSON', partition },
      { key: 'x', value: '{}', partition, headers: { ce_pos: '-1', ce_id: 'x' } },
    ])
    await write(bench.writer, 'thing-1', 0, 1)
    await eventually(() => expect(seen).to.have.length(2))
    expect(errors.map(String).join()).to.match(/foreign record at offset 1: its header ce_pos is missing or wrong/)
    await following.stop()
    await readable(2)
  })

  it('hands on an event whose payload is broken: parking it is for the consumer', async () => {
    const { seen, follower } = remembering('poisoned')
    const following = bench.reader().follow(follower)
    bench.relay()
    await write(bench.writer, 'thing-1', 0, 1)
    await eventually(() => expect(seen).to.have.length(1))
    const [event] = await appended()
    await bench.inject([{ ...event!, pos: 2, version: 2, data: '{"half' }])
    await eventually(() => expect(seen).to.have.length(2))
    expect(seen[1]!.data).to.equal('{"half')
    await following.stop()
  })

  it('finds its place without what the relay kept of it, only later', async () => {
    bench.relay()
    for (let n = 0; n < 30; n++) await write(bench.writer, `thing-${n % 3}`, 0, 1)
    await readable(30)
    await bench.db.query('forget', 'delete from log.offsets')
    const after = new Map([...all.keys()].map((partition) => [partition, 25]))
    const read = await bench.reader().read({ topic: topic.name, after, limit: 100 })
    expect(read.map(({ pos }) => pos)).to.deep.equal([26, 27, 28, 29, 30])
  })

  it('begins again in every partition where the place that was kept is not there, as in a topic that was recreated', async () => {
    bench.relay()
    for (let n = 0; n < 60; n++) await write(bench.writer, `thing-${n}`, 0, 1)
    await readable(60)
    await bench.db.query('stale', 'update log.offsets set "offset" = "offset" + 5000')
    const after = new Map([...all.keys()].map((partition) => [partition, 60]))
    expect(await bench.reader().read({ topic: topic.name, after, limit: 100 })).to.deep.equal([])
  })

  for (const how of ['refuses', 'is silent'] as const)
    it(`says within seconds that Kafka ${how}, and stops soon`, async () => {
      const away = await awayKafka(how)
      const reader = kafkaReader(bench.db, away.options)
      reader.follow(remembering('away').follower)
      const began = Date.now()
      const failed = await reader.read({ topic: topic.name, after: all, limit: 1 }).catch((error) => error)
      expect(failed).to.be.instanceOf(OperatorError)
      await reader.close()
      expect(Date.now() - began).to.be.lessThan(15_000)
      away.close()
    }).timeout(30_000)

  it('remembers where it is in more partitions than one topic has, for who watches all topics', async () => {
    const others = [1, 2, 3, 4, 5].map((n) => ({ name: `conformance.other-${n}`, partitions: 12 }))
    await withTopics(bench.options, (topics) => topics.create(others))
    let lookups = 0
    const counting: Queryable = {
      query(name, ...rest) {
        if (name === 'offsets.beyond') lookups++
        return bench.db.query(name, ...rest)
      },
    }
    const reader = kafkaReader(counting, bench.options)
    for (let round = 0; round < 3; round++)
      for (const { name } of others) expect(await reader.read({ topic: name, after: all, limit: 10 })).to.deep.equal([])
    expect(lookups).to.equal(others.length)
    await reader.close()
    await withTopics(bench.options, (topics) => topics.remove(others))
  }).timeout(20_000)

  it('P10: tells how far a consumer is behind while Kafka is away', async () => {
    bench.relay()
    for (let n = 0; n < 12; n++) await write(bench.writer, `thing-${n % 3}`, 0, 1)
    await readable(12)
    await recorded(12)
    const away = await awayKafka('is silent')
    const reader = kafkaReader(bench.db, away.options)
    const began = Date.now()
    const behind = await reader.behind(topic, new Map())
    expect(Date.now() - began).to.be.lessThan(5_000)
    expect(behind.reduce((sum, { events }) => sum + events, 0)).to.equal(12)
    for (const { since } of behind) expect(since).to.be.within(began - 20_000, began)
    await reader.close()
    away.close()
  }).timeout(20_000)

  it('begins near its place in a long partition, not at the start', async () => {
    bench.relay()
    await write(bench.writer, 'thing-1', 0, 2_500)
    const [last] = await eventually(async () => {
      const rows = await bench.db.query<{ partition: number; run: number }>(
        'runs',
        'select partition, run from log.offsets order by run',
      )
      expect(rows.at(-1)?.run).to.equal(2)
      return rows
    })
    const after = new Map([[last!.partition, 2_400]])
    const read = await bench.reader().read({ topic: topic.name, after, limit: 1_000 })
    expect([read[0]!.pos, read.at(-1)!.pos, read.length]).to.deep.equal([2_401, 2_500, 100])
  })

  it('tells Kafka how far it came, after the consumer did, so that every tool for lag works', async () => {
    const { seen, follower } = remembering('committed')
    const following = bench.reader().follow(follower)
    bench.relay()
    for (let n = 0; n < 12; n++) await write(bench.writer, `thing-${n}`, 0, 1)
    await eventually(() => expect(seen).to.have.length(12))
    const admin = bench.kafka.admin()
    await admin.connect()
    const committed = async () => {
      const [found] = await admin.fetchOffsets({
        groupId: `${bench.options.prefix}committed`,
        topics: [bench.options.prefix + topic.name],
      })
      return found!.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0)
    }
    await eventually(async () => expect(await committed()).to.equal(12))
    await following.stop()
    await admin.disconnect()
  })

  it('begins where the checkpoint is, whatever Kafka believes', async () => {
    const before = remembering('moved')
    const following = bench.reader().follow(before.follower)
    bench.relay()
    for (let n = 0; n < 10; n++) await write(bench.writer, 'thing-1', 0, 1)
    await eventually(() => expect(before.seen).to.have.length(10))
    await following.stop()
    // The checkpoint went back, as after a crash of the database or a swapped-in rebuild.
    const after = remembering('moved')
    after.stand.set(before.seen[0]!.partition, 4)
    const again = bench.reader().follow(after.follower)
    await eventually(() => expect(after.seen.map(({ pos }) => pos)).to.deep.equal([5, 6, 7, 8, 9, 10]))
    await again.stop()
  })

  it('shares partitions among members, and no event is lost or handled twice while they come and go', async () => {
    bench.relay()
    const { seen, follower } = remembering('stormy')
    const readers = [bench.reader(), bench.reader(), bench.reader()]
    const members = readers.map((reader) => reader.follow(follower))
    let written = 0
    for (let round = 0; round < 6; round++) {
      for (let n = 0; n < 20; n++) await write(bench.writer, `thing-${round}-${n}`, 0, 1)
      written += 20
      const leaving = round % 3
      await members[leaving]!.stop()
      members[leaving] = readers[leaving]!.follow(follower)
    }
    await eventually(() => expect(new Set(seen.map(({ pos }) => pos)).size).to.equal(written), { withinMs: 30_000 })
    await Promise.all(members.map((member) => member.stop()))
  }).timeout(60_000)

  it('hands over each event once and in order to a consumer that is behind and often fails, while records are fetched ahead', async () => {
    const streams = Array.from({ length: 20 }, (_, n) => `thing-${n}`)
    for (const stream of streams) await write(bench.writer, stream, 0, 1_000)
    bench.relay()
    await recorded(20_000)
    const { seen, stand, follower } = remembering('behind')
    let calls = 0
    let most = 0
    const following = bench.reader().follow({
      ...follower,
      batchSize: 300,
      async handle(batch) {
        calls++
        most = Math.max(most, new Set(batch.map(({ partition }) => partition)).size)
        // Like a transaction that fails at its end, and one that a consumer loses its ownership in.
        if (calls === 3) throw new Error('once')
        if (calls === 20) throw new Fenced('by nobody')
        await follower.handle(batch)
      },
    })
    await eventually(() => expect(seen).to.have.length(20_000), { withinMs: 60_000 })
    await following.stop()
    for (const [partition, events] of Map.groupBy(seen, (event) => event.partition)) {
      expect(events.map(({ pos }) => pos)).to.deep.equal(events.map(({ pos }) => pos).toSorted((a, b) => a - b))
      expect(stand.get(partition)).to.equal(events.at(-1)!.pos)
    }
    expect(new Set(seen.map(({ pos }) => pos)).size).to.equal(20_000)
    expect(calls).to.be.at.least(69)
    // Each fetch brings hundreds of one partition.
    expect(most, 'partitions in one batch').to.be.above(2)
  }).timeout(120_000)

  it('hands nothing over behind an event that it leaves to newer code, while it leaves the group', async () => {
    await write(bench.writer, 'thing-1', 0, 10)
    bench.relay()
    await recorded(10)
    const { seen, follower } = remembering('older')
    const left = Promise.withResolvers<void>()
    let calls = 0
    const following = bench.reader().follow({
      ...follower,
      restMs: 500,
      async handle(batch) {
        calls++
        const ours = batch.filter(({ version }) => version < 10)
        await follower.handle(ours)
        if (ours.length === batch.length) return
        // Behind it come others, which are fetched before it has left.
        await write(bench.writer, 'thing-1', 10, 10)
        await recorded(20)
        throw new NewerCode('older', 'thing-1@10: no event is called so')
      },
      // Told when it has left the group.
      onError: (error) => error instanceof NewerCode && left.resolve(),
    })
    await left.promise
    await following.stop()
    expect(seen.map(({ version }) => version)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(calls).to.equal(1)
  }).timeout(60_000)

  it('makes topics safely when several do it at once: for each of them they are there as soon as it is done', async () => {
    const new_ = Array.from({ length: 8 }, (_, n) => ({ name: `conformance.new-${n}`, partitions: 12 }))
    const makers = Array.from({ length: 6 }, () =>
      withTopics(bench.options, async (topics) => {
        await topics.create(new_)
        return (await topics.describe(new_)).flatMap(({ drift }) => drift)
      }),
    )
    expect(await Promise.all(makers)).to.deep.equal(makers.map(() => []))
    await withTopics(bench.options, (topics) => topics.remove(new_))
  }).timeout(30_000)

  it('describes its topics, and names every setting that has drifted', async () => {
    await withTopics(bench.options, async (topics) => {
      const [state] = await topics.describe([topic])
      expect(state!.drift).to.deep.equal([])
      expect(state!.config).to.include({ 'retention.ms': '-1', 'cleanup.policy': 'delete' })
      const [other, missing] = await topics.describe([
        { ...topic, partitions: 24 },
        { name: 'nowhere', partitions: 1 },
      ])
      expect(other!.drift).to.deep.equal([`${state!.name} has 12 partitions, not 24`])
      expect(missing!.drift).to.deep.equal([`${bench.options.prefix}nowhere does not exist`])
    })
  })
})
