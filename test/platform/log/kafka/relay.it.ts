import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { z } from 'zod'
import { catalogOf } from '#events/kit/codec.ts'
import type { EventOf, Recorded } from '#events/kit/envelope.ts'
import { type Decider, decider, stream } from '#events/kit/stream.ts'
import { readSettings } from '#platform/config/settings.ts'
import { pruneRelayed } from '#platform/log/kafka/prune.ts'
import { relayLag } from '#platform/log/kafka/relay-lag.ts'
import { withTopics } from '#platform/log/kafka/topics.ts'
import { decodeWire, framed } from '#platform/log/kafka/wire.ts'
import { openReader } from '#platform/log/open.ts'
import { keeping } from '#platform/log/postgres/keeping.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { group, topic, write } from '#test/conformance/log/groups.ts'
import { eventually } from '#test/kit/eventually.ts'
import { kafkaBrokers } from '#test/kit/kafka.ts'
import { awayKafka } from './away.ts'
import { remembering, type Workbench, workbench } from './workbench.ts'

const all = new Map(Array.from({ length: topic.partitions }, (_, partition) => [partition, 0]))

describe('the relay', () => {
  let bench: Workbench
  before(function () {
    return kafkaBrokers(this)
  })
  beforeEach(async () => {
    bench = await workbench()
  })
  afterEach(() => bench.close())

  const relayed = async () => (await bench.db.query<{ pos: number }>('relayed', 'select pos from log.relay'))[0]!.pos
  const epoch = async () => (await bench.db.query<{ epoch: number }>('epoch', 'select epoch from log.relay'))[0]!.epoch
  const published = (pos: number) => eventually(async () => expect(await relayed()).to.equal(pos))
  const appended = () => postgresReader(bench.db, bench.listener).read({ topic: topic.name, after: all, limit: 10_000 })
  const positions = async () => (await bench.onTopic()).map(({ pos }) => pos).sort((a, b) => a - b)
  const some = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

  it('publishes every event once and in order, and goes on where it stopped', async () => {
    const first = bench.relay()
    for (let n = 0; n < 20; n++) await write(bench.writer, `thing-${n % 4}`, 0, 1)
    await published(20)
    await first.stop()
    for (let n = 0; n < 20; n++) await write(bench.writer, `thing-${n % 4}`, 0, 1)
    bench.relay()
    await published(40)
    expect(await positions()).to.deep.equal(some(40))
    const byPartition = Map.groupBy(await bench.onTopic(), ({ partition }) => partition)
    for (const events of byPartition.values())
      expect(events.map(({ pos }) => pos)).to.deep.equal(events.map(({ pos }) => pos).sort((a, b) => a - b))
  })

  it('publishes nothing past events that somebody deleted, and says which; given up, it goes on', async () => {
    for (let n = 0; n < 9; n++) await write(bench.writer, 'thing-1', 0, 1)
    await bench.db.query('t.delete', 'delete from log.events where pos in (3, 4, 7)')
    const errors: unknown[] = []
    bench.relay({ onError: (error) => errors.push(error) })
    await eventually(() =>
      expect(String(errors[0])).to.contain('3 events are gone from the middle of the log, at positions 3 to 4, 7.'),
    )
    expect(await relayed()).to.equal(0)
    expect(await positions()).to.deep.equal([])
    await bench.db.query('t.up', 'insert into log.given_up (first, last, epoch) values (3, 4, 2), (7, 7, 2)')
    await published(9)
    expect(await positions()).to.deep.equal([1, 2, 5, 6, 8, 9])
  })

  it('publishes in the frame of a schema registry, and readers do not see the difference', async () => {
    await write(bench.writer, 'thing-1', 0, 1)
    const plain = bench.relay()
    await published(1)
    await plain.stop()
    await write(bench.writer, 'thing-1', 0, 1)
    bench.relay({ wire: { encode: ({ data }) => framed(7, data), decode: decodeWire } })
    await published(2)
    expect((await bench.onTopic()).map(({ value }) => value[0])).to.deep.equal(['{'.charCodeAt(0), 0])
    const read = await bench.reader().read({ topic: topic.name, after: all, limit: 10 })
    expect(read).to.deep.equal(await appended())
  })

  it('publishes again what a crash left between Kafka and its checkpoint; readers show it once', async () => {
    for (let n = 0; n < 10; n++) await write(bench.writer, 'thing-1', 0, 1)
    // As after a kill between the two: Kafka has the events, the checkpoint does not.
    await bench.inject((await appended()).slice(0, 6))
    bench.relay()
    await published(10)
    expect(await positions()).to.deep.equal([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 8, 9, 10])
    const read = await bench.reader().read({ topic: topic.name, after: all, limit: 100 })
    expect(read.map(({ pos }) => pos)).to.deep.equal(some(10))
  })

  it('has one holder of the lease: the other stands by and takes over', async () => {
    const db = openDb(bench.url, { max: 2 })
    const listener = openListener(bench.url)
    await listener.ready()
    const first = bench.relay()
    await write(bench.writer, 'thing-1', 0, 1)
    await published(1)
    const second = bench.relay({ db, listener })
    await write(bench.writer, 'thing-1', 0, 1)
    await published(2)
    await first.stop()
    await write(bench.writer, 'thing-1', 0, 1)
    await published(3)
    await second.stop()
    expect(await positions()).to.deep.equal([1, 2, 3])
    await listener.close()
    await db.close()
  })

  it('is fenced by its checkpoint when another has taken over without its knowledge', async () => {
    const errors: Error[] = []
    bench.relay({ onError: (error) => errors.push(error as Error) })
    await write(bench.writer, 'thing-1', 0, 1)
    await published(1)
    await bench.db.query('usurp', 'update log.relay set epoch = epoch + 1')
    await write(bench.writer, 'thing-1', 0, 1)
    await eventually(() => expect(errors.map(({ name }) => name)).to.deep.equal(['Fenced']))
    await published(2)
  })

  it('carries the envelope as CloudEvents headers and the payload to the letter', async () => {
    bench.relay()
    const data = '{"b":1,"a":12345678901234567890,"text":"é\\u0000"}'
    const [event] = [{ data, actor: 'user-7', correlationId: 'c-1', causationId: null, traceparent: '00-1-2-01' }]
    const { group } = await import('#test/conformance/log/groups.ts')
    await bench.writer.append([group('thing-9', 0, [event!])])
    await published(1)
    const [read] = (await bench.reader().read({ topic: topic.name, after: all, limit: 1 })) as [Recorded]
    const [original] = await appended()
    expect(read).to.deep.equal(original)
    expect(read.data).to.equal(data)
  })

  it('shows how far it is behind while Kafka is away', async () => {
    await write(bench.writer, 'thing-1', 0, 3)
    const lag = async () => (await relayLag(bench.db, [topic])).filter(({ events }) => events > 0)
    expect(await lag()).to.have.length(1)
    expect((await lag())[0]).to.include({ consumer: 'relay', topic: topic.name, pos: 0, events: 3 })
    bench.relay()
    await published(3)
    expect(await lag()).to.deep.equal([])
  })

  it('publishes what is too large to travel together one after the other, and nothing behind it has to wait', async () => {
    const large = (bytes: number) => [{ data: JSON.stringify('x'.repeat(bytes)) }]
    await bench.writer.append([group('thing-1', 0, large(1.9 * 2 ** 20))])
    await bench.writer.append([group('thing-1', 1, large(18.5 * 2 ** 20))])
    await write(bench.writer, 'thing-1', 2, 1)
    const errors: unknown[] = []
    bench.relay({ onError: (error) => errors.push(error) })
    await published(3)
    expect(errors).to.deep.equal([])
    expect(await positions()).to.deep.equal([1, 2, 3])
  }).timeout(30_000)

  it('publishes nothing of a batch for which a topic has too few partitions, and says so', async () => {
    const short = { name: 'conformance.short', partitions: 1 }
    await withTopics(bench.options, (topics) => topics.create([short]))
    const errors: Error[] = []
    await bench.writer.append([
      group('thing-1', 0, [
        { topic: short.name, partition: 0 },
        { topic: short.name, partition: 1 },
      ]),
    ])
    bench.relay({ onError: (error) => errors.push(error as Error) })
    await eventually(() => expect(errors).to.have.length.greaterThan(2))
    expect(errors[0]!.message).to.equal(
      `${bench.options.prefix}${short.name} has 1 partitions, and there is an event for partition 1`,
    )
    const admin = bench.kafka.admin()
    await admin.connect()
    expect((await admin.fetchTopicOffsets(bench.options.prefix + short.name)).map(({ high }) => high)).to.deep.equal(['0'])
    await admin.disconnect()
    await withTopics(bench.options, (topics) => topics.remove([short]))
  })

  for (const how of ['refuses', 'is silent'] as const)
    it(`stops soon while Kafka is away and ${how}`, async () => {
      await write(bench.writer, 'thing-1', 0, 1)
      const away = await awayKafka(how)
      const relay = bench.relay(away.options)
      await eventually(async () => expect(await epoch()).to.equal(1))
      const began = Date.now()
      await relay.stop()
      expect(Date.now() - began).to.be.lessThan(10_000)
      away.close()
    }).timeout(20_000)

  it('takes the lease from a holder that publishes nothing of what is old, says so, and from no other', async () => {
    await write(bench.writer, 'thing-1', 0, 1)
    await bench.db.query('taken', 'update log.relay set moved_at = now()')
    const holder = openListener(bench.url)
    await holder.ready()
    let isLost = false
    await holder.lock('relay', () => {
      isLost = true
    })
    let looks = 0
    const query = (name: string, text: string, values?: unknown[]) => {
      if (name === 'relay.evict') looks++
      return bench.db.query(name, text, values)
    }
    const db = { ...bench.db, query } as typeof bench.db
    const relieved: { owner: string | null; stalledMs: number }[] = []
    bench.relay({ db, onRelieved: (one) => relieved.push(one) })
    const afterSomeLooks = () => {
      const before = looks
      return eventually(() => expect(looks).to.be.greaterThan(before + 2))
    }
    await afterSomeLooks()
    // Nothing was published for long, and what there is has just come.
    await bench.db.query('long.ago', "update log.relay set moved_at = now() - interval '1 hour'")
    await afterSomeLooks()
    expect([isLost, relieved.length]).to.deep.equal([false, 0])
    await bench.db.query('old', 'update log.events set time = time - 3600000')
    await published(1)
    expect(isLost).to.equal(true)
    expect(relieved.map(({ stalledMs }) => stalledMs > 3_599_000)).to.deep.equal([true])
    await holder.close()
  })

  it('has its time from the moment it holds the lease: who looks for Kafka is not taken for frozen', async () => {
    await write(bench.writer, 'thing-1', 0, 1)
    await bench.db.query('long.ago', "update log.relay set moved_at = now() - interval '1 hour'")
    await bench.db.query('old', 'update log.events set time = time - 3600000')
    const away = await awayKafka('is silent')
    let dropped = 0
    const watching: Listener = { ...bench.listener, lock: (key, lost) => bench.listener.lock(key, () => [dropped++, lost()]) }
    bench.relay({ ...away.options, listener: watching })
    await eventually(async () => expect(await epoch()).to.equal(1))
    const listener = openListener(bench.url)
    await listener.ready()
    const standby = bench.relay({ ...away.options, listener })
    await sleep(1_000)
    expect(dropped).to.equal(0)
    await standby.stop()
    await listener.close()
    away.close()
  }).timeout(30_000)

  /** A decider that counts, for a log that knows nothing of the domain. */
  const things = stream<object>('thing', { topic, id: () => 1, key: () => '1' })
  const happened = things.event('Happened', 1, z.looseObject({}))
  const counting = decider<number, EventOf>(things, 1, (count) => (count ?? 0) + 1)
  const prune = (unreadable: unknown[] = [], deciders: Decider[] = [counting]) =>
    pruneRelayed({
      db: bench.db,
      catalog: catalogOf([happened]),
      deciders,
      olderThan: Date.now() + 1_000,
      onError: (_, stream) => unreadable.push(stream),
    })

  it('leaves what it has not published, and the newest event, when it prunes', async () => {
    for (let n = 0; n < 10; n++) await write(bench.writer, 'thing-1', 0, 1)
    await prune()
    expect(await appended()).to.have.length(10)
    bench.relay()
    await published(10)
    await prune()
    expect((await appended()).map(({ pos }) => pos)).to.deep.equal([10])
    // Who does not know that Kafka has the rest must not take this for all of history.
    const unaware = await openReader(readSettings({}), bench.db, bench.listener)
    const refused = await unaware.read({ topic: topic.name, after: all, limit: 1 }).catch((error) => error)
    expect(refused).to.be.instanceOf(OperatorError)
    expect(refused.message).to.match(/were pruned .* set KAFKA_BROKERS/)
    const { seen, errors, follower } = remembering('unaware')
    unaware.follow(follower)
    await eventually(() => expect(errors[0]).to.be.instanceOf(OperatorError))
    expect(seen).to.deep.equal([])
    await unaware.close()
    // Its stream goes on all the same.
    await write(bench.writer, 'thing-1', 0, 1)
    await published(11)
    expect((await appended()).at(-1)).to.include({ stream: 'thing-1', version: 11 })
    // Who saw it before must see that it has grown, though the events that say so are gone.
    const [stale] = await bench.writer.append([group('thing-1', 3, [{}])])
    expect(stale!.lost!.stale).to.deep.equal(['thing-1'])
    expect((await bench.reader().read({ topic: topic.name, after: all, limit: 100 })).map(({ pos }) => pos)).to.deep.equal(
      some(11),
    )
  })

  it('prunes no event before a state is kept that it is in, and what cannot be folded stays and holds up nothing else', async () => {
    await write(bench.writer, 'thing-1', 0, 3)
    await bench.writer.append([group('thing-2', 0, [{ data: '[]' }])])
    await write(bench.writer, 'thing-3', 0, 2)
    await write(bench.writer, 'thing-4', 0, 1)
    bench.relay()
    await published(7)
    const unreadable: unknown[] = []
    await prune(unreadable)
    expect(unreadable).to.deep.equal(['thing-2'])
    expect((await appended()).map(({ pos, stream }) => [pos, stream])).to.deep.equal([
      [4, 'thing-2'],
      [7, 'thing-4'],
    ])
    const { streams } = await bench.writer.load({ streams: ['thing-1', 'thing-3'], ids: {}, idempotencyKeys: [] })
    expect([...streams.values()].map(({ kept, since }) => [kept?.version, kept?.state, since])).to.deep.equal([
      [3, '3', []],
      [2, '2', []],
    ])
  })

  it('prunes only behind states of its own version of the decider, and never puts an older one in the place of a newer', async () => {
    const next = decider<number, EventOf>(things, 2, (count) => (count ?? 0) + 10)
    const kept = async () =>
      (await bench.writer.load({ streams: ['thing-1'], ids: {}, idempotencyKeys: [] })).streams.get('thing-1')!.kept
    const keep = (one: Decider) =>
      keeping({ db: bench.db, catalog: catalogOf([happened]), deciders: [one], onError: () => {} })(['thing-1'])
    await write(bench.writer, 'thing-1', 0, 3)
    await write(bench.writer, 'thing-2', 0, 1)
    bench.relay()
    await published(4)

    await keep(next)
    await prune([], [counting])
    expect(await kept()).to.include({ stateVersion: 2, state: '30' })
    expect(await appended()).to.have.length(4)

    await bench.db.query('t.old', `update log.snapshots set state_version = 1, state = '3' where stream = 'thing-1'`)
    await prune([], [next])
    expect(await kept()).to.include({ stateVersion: 2, state: '30' })
    expect((await appended()).map(({ stream }) => stream)).to.deep.equal(['thing-2'])
  })
})
