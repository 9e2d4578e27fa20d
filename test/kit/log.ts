import { topics } from '#events/topics.ts'
import type { KafkaOptions } from '#platform/log/kafka/client.ts'
import { kafkaReader } from '#platform/log/kafka/reader.ts'
import { startRelay } from '#platform/log/kafka/relay.ts'
import { withTopics } from '#platform/log/kafka/topics.ts'
import type { Reader } from '#platform/log/port.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { openDb, type Queryable } from '#platform/pg/pool.ts'
import { eventually } from './eventually.ts'
import { kafkaBrokers } from './kafka.ts'

/** Which log this run of the tests is about: `VIDWIZ_TEST_LOG=kafka`, or the embedded one. */
export const onKafka = process.env.VIDWIZ_TEST_LOG === 'kafka'

/** Addresses of brokers of their own, by database. */
const ownBrokers = new Map<string, string>()

/** Where the log of a database is carried; undefined when by itself. Each has topics of its own: they are named after it. */
async function kafkaOf(databaseUrl: string): Promise<KafkaOptions | undefined> {
  const addresses = ownBrokers.get(databaseUrl) ?? (onKafka ? await kafkaBrokers() : undefined)
  return addresses ? { brokers: addresses.split(','), prefix: `${new URL(databaseUrl).pathname.slice(1)}.` } : undefined
}

/** Opens the reading half of the log that belongs to a database. */
export async function testReader(databaseUrl: string, db: Queryable, listener: Listener): Promise<Reader> {
  const kafka = await kafkaOf(databaseUrl)
  return kafka ? kafkaReader(db, kafka) : postgresReader(db, listener)
}

export interface TestLog {
  /** For services as processes of their own. */
  env: NodeJS.ProcessEnv
  /** Resolves when what was appended can be read. */
  settled(db: Queryable): Promise<void>
  close(): Promise<void>
}

/**
 * Sets up the log of a database: on Kafka its topics and, if wanted, a relay in this process; the embedded log is there with it.
 * @param brokers addresses of a Kafka to use whichever log this run is about
 */
export async function testLog(
  databaseUrl: string,
  { relaying = true, brokers }: { relaying?: boolean; brokers?: string } = {},
): Promise<TestLog> {
  if (brokers) ownBrokers.set(databaseUrl, brokers)
  const kafka = await kafkaOf(databaseUrl)
  if (!kafka) return { env: {}, settled: async () => {}, close: async () => {} }
  await withTopics(kafka, (tools) => tools.create(topics))
  const db = openDb(databaseUrl, { max: 2 })
  const listener = openListener(databaseUrl)
  const relay = relaying ? startRelay({ ...kafka, db, listener }) : undefined
  return {
    env: { KAFKA_BROKERS: kafka.brokers.join(','), KAFKA_PREFIX: kafka.prefix },
    settled: (db) =>
      eventually(async () => {
        const [relay] = await db.query<{ behind: boolean }>(
          'relay.behind',
          'select r.pos < (select coalesce(max(pos), 0) from log.events) as behind from log.relay r',
        )
        if (relay!.behind) throw new Error('the relay is behind')
      }),
    async close() {
      await relay?.stop()
      await listener.close()
      await db.close()
      await withTopics(kafka, (tools) => tools.remove(topics))
    },
  }
}
