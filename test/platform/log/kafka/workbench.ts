import { randomUUID } from 'node:crypto'
import type { Kafka } from 'kafkajs'
import type { Recorded } from '#events/kit/envelope.ts'
import { openKafka } from '#platform/log/kafka/client.ts'
import { toMessage } from '#platform/log/kafka/message.ts'
import type { KafkaOptions } from '#platform/log/kafka/options.ts'
import { kafkaReader } from '#platform/log/kafka/reader.ts'
import { type RelayOptions, startRelay } from '#platform/log/kafka/relay.ts'
import { withTopics } from '#platform/log/kafka/topics.ts'
import { plainWire } from '#platform/log/kafka/wire.ts'
import type { Appender, Follower, Reader } from '#platform/log/port.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { topic } from '#test/conformance/log/groups.ts'
import { kafkaBrokers } from '#test/kit/kafka.ts'
import { freshDatabase } from '#test/kit/postgres.ts'

/** A log with Kafka behind it, relay and reader to be started by hand. */
export interface Workbench {
  options: KafkaOptions
  url: string
  db: Db
  writer: Appender
  kafka: Kafka
  listener: Listener
  reader(): Reader
  relay(over?: Partial<RelayOptions>): { stop(): Promise<void> }
  /** Everything that lies on the topic, in the order of partitions and offsets. */
  onTopic(): Promise<Found[]>
  /** Writes events to the topic past the relay, as one that crashed or a zombie would. */
  inject(events: readonly Recorded[]): Promise<void>
  /** Writes whatever somebody else might write. */
  produce(messages: { key: string; value: string; partition: number; headers?: Record<string, string> }[]): Promise<void>
  close(): Promise<void>
}

export interface Found {
  partition: number
  offset: number
  pos: number
  value: Buffer
}

export async function workbench(): Promise<Workbench> {
  const database = await freshDatabase()
  const options = { brokers: (await kafkaBrokers()).split(','), prefix: `${randomUUID()}.` }
  await withTopics(options, (topics) => topics.create([topic]))
  const db = openDb(database.url, { max: 4 })
  const listener = openListener(database.url)
  await listener.ready()
  const { kafka, close: closeKafka } = openKafka('workbench', options)
  const producer = kafka.producer({
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition!,
  })
  await producer.connect()
  const closing: (() => Promise<void>)[] = []
  const name = options.prefix + topic.name

  const bench: Workbench = {
    options,
    url: database.url,
    db,
    writer: appender(db),
    kafka,
    listener,
    reader() {
      const reader = kafkaReader(db, options)
      closing.push(reader.close)
      return reader
    },
    relay(over = {}) {
      const relay = startRelay({ ...options, db, listener, topics: [topic], ...over })
      closing.push(relay.stop)
      return relay
    },
    async onTopic() {
      const found: Found[] = []
      const { openFetcher } = await import('#platform/log/kafka/fetch.ts')
      const fetcher = openFetcher(kafka)
      for (let partition = 0; partition < topic.partitions; partition++)
        for (let offset = 0, end = false; !end; ) {
          const fetched = (await fetcher.fetch(name, new Map([[partition, offset]]))).get(partition)!
          for (const { offset, headers, value } of fetched.messages)
            found.push({ partition, offset: Number(offset), pos: Number(headers?.ce_pos), value: value! })
          offset = fetched.next
          end = fetched.end
        }
      await fetcher.close()
      return found
    },
    inject: async (events) =>
      void (await producer.send({ topic: name, acks: -1, messages: events.map((event) => toMessage(event, plainWire)) })),
    produce: async (messages) => void (await producer.send({ topic: name, acks: -1, messages })),
    async close() {
      for (const close of closing.reverse()) await close()
      await producer.disconnect()
      await withTopics(options, (topics) => topics.remove([topic]))
      closeKafka()
      await listener.close()
      await db.close()
      await database.drop()
    },
  }
  return bench
}

/** A follower that remembers what it was handed and where it stands. */
export function remembering(consumer: string) {
  const seen: Recorded[] = []
  const stand = new Map<number, number>()
  const errors: unknown[] = []
  const follower: Follower = {
    consumer,
    topic,
    resume: async () => new Map(stand),
    handle: async (batch) => {
      seen.push(...batch)
      for (const event of batch) stand.set(event.partition, event.pos)
    },
    onError: (error) => errors.push(error),
  }
  return { seen, stand, errors, follower }
}
