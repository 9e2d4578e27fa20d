import { topics } from '#events/topics.ts'
import type { KafkaOptions } from '#platform/log/kafka/options.ts'
import { kafkaReader } from '#platform/log/kafka/reader.ts'
import { startRelay } from '#platform/log/kafka/relay.ts'
import { withTopics } from '#platform/log/kafka/topics.ts'
import type { Reader } from '#platform/log/port.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, openDb, type Queryable } from '#platform/pg/pool.ts'
import { eventually } from './eventually.ts'
import { kafkaBrokers } from './kafka.ts'

/** The log that this test run uses: Kafka with `VIDWIZ_TEST_LOG=kafka`, else the embedded one. */
export const onKafka = process.env.VIDWIZ_TEST_LOG === 'kafka'

/** Brokers set explicitly for a test, by database. */
const ownBrokers = new Map<string, string>()

/**
 * Kafka options for a database; undefined for the embedded log. Topics are prefixed with the database's name, so each database has
 * its own.
 */
async function kafkaOf(databaseUrl: string): Promise<KafkaOptions | undefined> {
  const addresses = ownBrokers.get(databaseUrl) ?? (onKafka ? await kafkaBrokers() : undefined)
  return addresses ? { brokers: addresses.split(','), prefix: `${new URL(databaseUrl).pathname.slice(1)}.` } : undefined
}

/** Opens the reader of a database's log. */
export async function testReader(databaseUrl: string, db: Db, listener: Listener): Promise<Reader> {
  const kafka = await kafkaOf(databaseUrl)
  return kafka ? kafkaReader(db, kafka) : postgresReader(db, listener)
}

export interface TestLog {
  /** Environment for services in separate processes. */
  env: NodeJS.ProcessEnv
  /** Resolves when everything appended so far can be read. */
  settled(db: Queryable): Promise<void>
  close(): Promise<void>
}

/**
 * Sets up the log of a database: on Kafka the topics and, unless `relaying` is false, a relay in this process. The embedded log
 * needs nothing.
 * @param brokers addresses of a Kafka to use, whatever log this run uses
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
  const relay = relaying ? startRelay({ ...kafka, db, listener, topics }) : undefined
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
