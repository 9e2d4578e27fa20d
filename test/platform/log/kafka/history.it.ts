import { expect } from 'chai'
import type { Replayed } from '#events/kit/envelope.ts'
import { type Fetcher, openFetcher } from '#platform/log/kafka/fetch.ts'
import { streamHistory } from '#platform/log/kafka/history.ts'
import { plainWire } from '#platform/log/kafka/wire.ts'
import type { Positions } from '#platform/log/port.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { AheadOfLog } from '#platform/log/timeline.ts'
import { group, topic } from '#test/conformance/log/groups.ts'
import { eventually } from '#test/kit/eventually.ts'
import { kafkaBrokers } from '#test/kit/kafka.ts'
import { type Workbench, workbench } from './workbench.ts'

const all = new Map(Array.from({ length: topic.partitions }, (_, partition) => [partition, 0]))
/** So large that a fetch gets few of them from a partition. */
const data = JSON.stringify({ text: 'x'.repeat(60_000) })

describe('a history that is read from Kafka as a stream', function () {
  this.timeout(60_000)
  let bench: Workbench
  let fetcher: Fetcher
  /** The partitions that each fetch asked for. */
  let asked: number[][]
  before(function () {
    return kafkaBrokers(this)
  })
  beforeEach(async () => {
    bench = await workbench()
    asked = []
    const real = openFetcher(bench.kafka)
    fetcher = {
      ...real,
      fetch(name, from) {
        asked.push([...from.keys()])
        return real.fetch(name, from)
      },
    }
  })
  afterEach(async () => {
    await fetcher.close()
    await bench.close()
  })

  const appended = () => postgresReader(bench.db, bench.listener).read({ topic: topic.name, after: all, limit: 10_000 })

  /** Publishes versions of two streams that lie in different partitions. @returns the last position of each partition */
  async function published(versions: number, payload = data): Promise<[[number, number], [number, number]]> {
    const relay = bench.relay()
    const reader = bench.reader()
    for (let n = 0; n < versions; n++) {
      await bench.writer.append(['thing-1', 'thing-2'].map((stream) => group(stream, n, [{ data: payload }])))
      // One by one, because a fetch always gets whole batches of the relay.
      await eventually(async () => expect(Math.max(...(await reader.heads(topic)).values())).to.equal(2 * (n + 1)))
    }
    await relay.stop()
    const heads = [...(await reader.heads(topic))]
    expect(heads).to.have.length(2)
    return heads as [[number, number], [number, number]]
  }

  async function read(upTo: Positions, onTake: () => void = () => {}): Promise<Replayed[]> {
    const log = { db: bench.db, fetcher, wire: plainWire, kafkaName: (name: string) => bench.options.prefix + name }
    const taken: Replayed[] = []
    await streamHistory(log, { topic: topic.name, after: new Map(), upTo, uses: [] }, (events) => {
      taken.push(...events)
      onTake()
    })
    return taken
  }

  it('asks for all partitions together, and for the next records before the last ones are handled', async () => {
    const heads = await published(12)
    const partitions = heads.map(([partition]) => partition)
    const asksAtTake: number[] = []
    const taken = await read(new Map(heads), () => asksAtTake.push(asked.length))
    expect(taken.map(({ pos }) => pos).toSorted((a, b) => a - b)).to.deep.equal(Array.from({ length: 24 }, (_, i) => i + 1))
    expect(asked.slice(0, 2)).to.deep.equal([partitions, partitions])
    // The second answer is decoded already and waits for its look-up, so the next request is the third.
    expect(asksAtTake[0]).to.be.greaterThan(2)
    expect(asksAtTake.length).to.be.greaterThan(2)
  })

  it('goes no further in a partition than asked, while it reads others to their end', async () => {
    const [[one], other] = await published(16)
    const first = (await appended()).find(({ partition }) => partition === one)!
    const taken = await read(new Map([[one, first.pos], other]))
    expect(taken.filter(({ partition }) => partition === one).map(({ pos }) => pos)).to.deep.equal([first.pos])
    expect(taken).to.have.length(1 + 16)
    const asksOf = (partition: number) => asked.filter((partitions) => partitions.includes(partition)).length
    expect(asksOf(other[0])).to.be.greaterThan(asksOf(one) + 1)
  })

  it('has each event once, whatever was published twice, late and out of order', async () => {
    const heads = await published(5, '{}')
    const events = await appended()
    await bench.inject(events.slice(2, 5))
    await bench.inject(events)
    const taken = await read(new Map(heads))
    for (const [one] of heads) {
      const of = ({ partition }: Replayed) => partition === one
      expect(taken.filter(of).map(({ pos }) => pos)).to.deep.equal(events.filter(of).map(({ pos }) => pos))
    }
  })

  it('hands over no record that the log does not have, and nothing after it', async () => {
    const [[partition, last]] = await published(3, '{}')
    const like = (await appended()).find((event) => event.partition === partition)!
    await bench.inject([{ ...like, id: crypto.randomUUID(), pos: last + 1_000 }])
    let taken: Replayed[] = []
    const refusal = await read(new Map([[partition, last + 1_000]])).then(
      (events) => {
        taken = events
      },
      (error) => error,
    )
    expect(refusal).to.be.instanceOf(AheadOfLog)
    expect(taken).to.deep.equal([])
  })
})
