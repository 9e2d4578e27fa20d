import { expect } from 'chai'
import type { Replayed } from '#events/kit/envelope.ts'
import type { Tape } from '#platform/log/kafka/tape.ts'
import { withTopics } from '#platform/log/kafka/topics.ts'
import { assertWhole, HistoryLost } from '#platform/log/kafka/whole.ts'
import type { Positions } from '#platform/log/port.ts'
import { topic, write } from '#test/conformance/log/groups.ts'
import { eventually } from '#test/kit/eventually.ts'
import { kafkaBrokers } from '#test/kit/kafka.ts'
import { type Workbench, workbench } from './workbench.ts'

describe('a topic that does not have all of its history', function () {
  this.timeout(60_000)
  let bench: Workbench
  before(async function () {
    await kafkaBrokers(this)
  })
  beforeEach(async () => {
    bench = await workbench()
  })
  afterEach(() => bench.close())

  /** Events of one partition, published. */
  async function published(events: number): Promise<number> {
    for (let n = 0; n < events; n++) await write(bench.writer, 'thing-1', n, 1)
    const relay = bench.relay()
    await eventually(async () => {
      const [row] = await bench.db.query<{ pos: number }>('t.relay', 'select pos from log.relay')
      expect(row!.pos).to.equal(events)
    })
    await relay.stop()
    const [row] = await bench.db.query<{ partition: number }>('t.place', 'select partition from log.events limit 1')
    return row!.partition
  }
  const cutTo = async (partition: number, offset: number) => {
    const admin = bench.kafka.admin()
    await admin.connect()
    const partitions = [{ partition, offset: String(offset) }]
    // It makes kafkajs learn who leads the partition.
    await admin.fetchTopicOffsets(bench.options.prefix + topic.name)
    await admin.deleteTopicRecords({ topic: bench.options.prefix + topic.name, partitions })
    await admin.disconnect()
  }
  const read = (after: Positions, whole: boolean) => bench.reader().read({ topic: topic.name, after, limit: 100, whole })
  /** The same as a replay does it. */
  async function history(upTo: Positions, after: Positions = new Map()): Promise<Replayed[]> {
    const events: Replayed[] = []
    await bench.reader().history({ topic: topic.name, after, upTo, uses: [] }, (some) => {
      events.push(...some)
    })
    return events
  }
  const refused = (reading: Promise<unknown>) =>
    reading.then(
      () => expect.fail('it was read'),
      (error) => {
        expect(error).to.be.instanceOf(HistoryLost)
        return (error as Error).message
      },
    )

  it('is refused when nothing is left of it, and who only looks still reads what there is', async () => {
    const partition = await published(20)
    await cutTo(partition, 20)
    const after = new Map([[partition, 0]])
    expect(await refused(read(after, true))).to.match(
      /partition \d+: at least 20 events beyond position 0 are gone from it\. The database still has all events: .+KAFKA_BROKERS=/,
    )
    expect(await read(after, false)).to.deep.equal([])
    expect(await refused(history(new Map([[partition, 20]])))).to.contain('at least 20 events')
  })

  it('is refused when its beginning was cut off, unless that was handled before', async () => {
    const partition = await published(20)
    await cutTo(partition, 15)
    expect(await refused(read(new Map([[partition, 0]]), true))).to.contain('at least 15 events')
    expect(await refused(read(new Map([[partition, 10]]), true))).to.contain('at least 5 events')
    expect(await read(new Map([[partition, 15]]), true)).to.have.length(5)
    expect(await read(new Map([[partition, 0]]), false)).to.have.length(5)
    const upTo = new Map([[partition, 20]])
    expect(await refused(history(upTo))).to.contain('at least 15 events')
    expect(await refused(history(upTo, new Map([[partition, 10]])))).to.contain('at least 5 events')
    expect(await history(upTo, new Map([[partition, 15]]))).to.have.length(5)
  })

  it('is refused when it was recreated and is empty', async () => {
    const partition = await published(20)
    await withTopics(bench.options, async (topics) => {
      await topics.remove([topic])
      await eventually(() => topics.create([topic]))
    })
    await eventually(async () =>
      expect(await refused(read(new Map([[partition, 0]]), true))).to.contain('ends before position 20'),
    )
  })

  it('is refused when it was recreated and has only the first events', async () => {
    const partition = await published(20)
    await withTopics(bench.options, async (topics) => {
      await topics.remove([topic])
      await eventually(() => topics.create([topic]))
    })
    const events = await bench.writer.stream('thing-1')
    await eventually(() => bench.inject(events.slice(0, 5)))
    // Also when it is read only up to a position before its end.
    for (const upTo of [20, 10])
      await eventually(async () =>
        expect(await refused(history(new Map([[partition, upTo]])))).to.contain('ends before position 20'),
      )
    expect(await history(new Map([[partition, 5]]))).to.have.length(5)
  })

  it('is refused when records are missing from its middle', async () => {
    const tape: Tape = { partition: 3, pos: 7, offset: 9, ahead: [], gone: 0, missing: 2, isSure: true, end: true }
    const reading = assertWhole(bench.db, { topic: topic.name, tapes: [tape], heads: new Map([[3, 7]]), upTo: 100 })
    expect(await refused(reading.then(() => []))).to.contain('partition 3: at least 2 events beyond position 7 are gone from it')
  })

  it('says that the database does not have it either, when it was pruned', async () => {
    const partition = await published(20)
    await cutTo(partition, 15)
    await bench.db.query('t.prune', 'with gone as (delete from log.events where pos < 18) update log.timeline set pruned = true')
    const said = await refused(read(new Map([[partition, 0]]), true))
    expect(said).to.contain('at least 15 events').and.to.contain('The database was pruned')
  })

  it('stops a consumer that stands before its beginning, which says so and handles nothing', async () => {
    const partition = await published(20)
    await cutTo(partition, 15)
    const errors: unknown[] = []
    let handled = 0
    let stand = 10
    const following = bench.reader().follow({
      consumer: 'cut',
      topic,
      resume: async () => new Map([[partition, stand]]),
      handle: async (batch) => {
        handled += batch.length
      },
      onError: (error) => errors.push(error),
    })
    await eventually(() => expect(errors.filter((error) => error instanceof HistoryLost).length).to.be.greaterThan(1), {
      withinMs: 20_000,
    })
    expect(handled).to.equal(0)
    stand = 15
    await eventually(() => expect(handled).to.equal(5), { withinMs: 20_000 })
    await following.stop()
  })

  it('is read without a word when it is whole, whatever a relay published twice', async () => {
    const partition = await published(5)
    await bench.db.query('t.again', 'update log.relay set pos = 2, epoch = epoch + 1')
    const relay = bench.relay()
    await eventually(async () => expect(await bench.onTopic()).to.have.length(8))
    await relay.stop()
    expect(await read(new Map([[partition, 0]]), true)).to.have.length(5)
    expect(await read(new Map([[partition, 5]]), true)).to.deep.equal([])
  })
})
