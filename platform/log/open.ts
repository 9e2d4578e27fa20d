import type { Settings } from '#platform/config/settings.ts'
import type { Listener } from '#platform/pg/listen.ts'
import type { Db } from '#platform/pg/pool.ts'
import { kafkaOptions } from './kafka/options.ts'
import type { Reader } from './port.ts'
import { postgresReader } from './postgres/reader.ts'

/**
 * Opens the reading half of the log that the settings name: Kafka's topics, or the embedded log itself. What Kafka needs is loaded
 * only with Kafka: it is a third of what a process loads.
 */
export async function openReader(settings: Settings, db: Db, listener: Listener, name?: string): Promise<Reader> {
  const kafka = kafkaOptions(settings)
  // Of a pruned log only Kafka has all events. With `whole`, a process without KAFKA_BROKERS refuses to read it from Postgres.
  if (!kafka) return postgresReader(db, listener, { whole: true })
  const { kafkaReader } = await import('./kafka/reader.ts')
  return kafkaReader(db, { ...kafka, name })
}
