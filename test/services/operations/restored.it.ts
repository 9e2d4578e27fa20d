import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { notes, topics } from '#events/topics.ts'
import { readSettings } from '#platform/config/settings.ts'
import { openKafka } from '#platform/log/kafka/client.ts'
import { toMessage } from '#platform/log/kafka/message.ts'
import { startRelay } from '#platform/log/kafka/relay.ts'
import { withTopics } from '#platform/log/kafka/topics.ts'
import { plainWire } from '#platform/log/kafka/wire.ts'
import { partitionOf } from '#platform/log/partitioner.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { previewRestoration, restorationLines } from '#services/operations/restored/preview.ts'
import { group } from '#test/conformance/log/groups.ts'
import { eventually } from '#test/kit/eventually.ts'
import { kafkaBrokers } from '#test/kit/kafka.ts'
import { freshDatabase } from '#test/kit/postgres.ts'

const SOON = { withinMs: 30_000, everyMs: 50 }

describe('what a restoration would do', function () {
  this.timeout(120_000)
  before(async function () {
    await kafkaBrokers(this)
  })

  it('finds a record of somebody else behind all consumers when it is to look at everything', async () => {
    await using closing = new AsyncDisposableStack()
    const database = await freshDatabase()
    closing.defer(database.drop)
    const brokers = await kafkaBrokers()
    const settings = readSettings({ KAFKA_BROKERS: brokers, KAFKA_PREFIX: `${randomUUID()}.` })
    const options = { brokers: brokers.split(','), prefix: settings.KAFKA_PREFIX }
    await withTopics(options, (all) => all.create(topics))
    closing.defer(() => withTopics(options, (all) => all.remove(topics)))
    const db = openDb(database.url, { max: 4 })
    closing.defer(db.close)
    const listener = openListener(database.url)
    closing.defer(listener.close)
    const relay = startRelay({ ...options, db, listener, topics })
    closing.defer(relay.stop)
    const { kafka, close } = openKafka('somebody else', options)
    closing.defer(close)
    const producer = kafka.producer()
    await producer.connect()
    closing.defer(() => producer.disconnect())

    const partition = partitionOf('one', notes.partitions)
    const write = async (version: number) => {
      await appender(db).append([group('note-1', version, [{ topic: notes.name, key: 'one', partition }])])
      const relayed = () => db.query<{ pos: number }>('t.relayed', 'select pos from log.relay')
      await eventually(async () => expect((await relayed())[0]!.pos).to.equal(version + 1), SOON)
    }
    await write(0)
    const all = new Map([[partition, 0]])
    const [event] = await postgresReader(db, listener).read({ topic: notes.name, after: all, limit: 1 })
    const message = toMessage({ ...event!, id: randomUUID(), pos: 2 }, plainWire)
    await producer.send({ topic: options.prefix + notes.name, messages: [message] })
    await write(1)
    await db.query(
      't.passed',
      `insert into log.checkpoints (consumer, topic, partition, pos)
       select 'notes', t, p, 2 from unnest($1::text[]) t, generate_series(0, 11) p`,
      [topics.map(({ name }) => name)],
    )

    const looked = await previewRestoration(db, settings, { skip: 1 })
    expect(looked.kafka).to.deep.equal({ aliens: [], shortened: [] })
    const thorough = await previewRestoration(db, settings, { skip: 1, thorough: true })
    expect(thorough.kafka).to.deep.equal({
      aliens: [{ topic: notes.name, partition, first: 1, last: 1, pos: 2 }],
      shortened: [],
    })
    expect(restorationLines(thorough).join('\n')).to.include(`${notes.name}/${partition} holds 1 records`)
  })
})
