import type { Settings } from '#platform/config/settings.ts'
import type { Listener } from '#platform/pg/listen.ts'
import type { Db } from '#platform/pg/pool.ts'
import { kafkaOptions } from './kafka/client.ts'
import { kafkaReader } from './kafka/reader.ts'
import type { Reader } from './port.ts'
import { postgresReader } from './postgres/reader.ts'

/** Opens the reading half of the log that the settings name: Kafka's topics, or the embedded log itself. */
export function openReader(settings: Settings, db: Db, listener: Listener, name?: string): Reader {
  const kafka = kafkaOptions(settings)
  // Of a pruned log only Kafka has all events. With `whole`, a process without KAFKA_BROKERS refuses to read it from Postgres.
  return kafka ? kafkaReader(db, { ...kafka, name }) : postgresReader(db, listener, { whole: true })
}
