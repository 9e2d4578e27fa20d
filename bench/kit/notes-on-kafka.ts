import type { Recorded } from '../../events/kit/envelope.ts'
import { notes } from '../../events/topics.ts'
import { toMessage } from '../../platform/log/kafka/message.ts'
import type { KafkaOptions } from '../../platform/log/kafka/options.ts'
import { startRelay } from '../../platform/log/kafka/relay.ts'
import { plainWire } from '../../platform/log/kafka/wire.ts'
import { postgresReader } from '../../platform/log/postgres/reader.ts'
import { type Listener, openListener } from '../../platform/pg/listen.ts'
import { type Db, openDb } from '../../platform/pg/pool.ts'
import { kafkaBrokers } from '../../test/kit/kafka.ts'
import { testLog } from '../../test/kit/log.ts'
import { freshDatabase } from '../../test/kit/postgres.ts'
import { timed } from './measure.ts'
import { seedNotes } from './seed.ts'

/** A log of notes, and a Kafka that does not contain any of it yet. */
export interface NotesOnKafka {
  databaseUrl: string
  db: Db
  listener: Listener
  kafka: KafkaOptions
  /** Name of the notes topic there. */
  topic: string
  /** Publishes everything from the beginning; may be repeated. @returns duration in ms */
  relay(): Promise<number>
  /** The log as relay messages, in batches; default: the relay's batch size. */
  messages(portion?: number): Promise<ReturnType<typeof toMessage>[][]>
  close(): Promise<void>
}

const PORTION = 1_000

export async function notesOnKafka(events: number): Promise<NotesOnKafka> {
  const { url: databaseUrl, drop } = await freshDatabase()
  const log = await testLog(databaseUrl, { relaying: false, brokers: await kafkaBrokers() })
  const kafka = { brokers: log.env.KAFKA_BROKERS!.split(','), prefix: log.env.KAFKA_PREFIX! }
  const db = openDb(databaseUrl, { name: 'bench kafka', indexed: true })
  const listener = openListener(databaseUrl)
  await listener.ready()
  await seedNotes(db, events)

  return {
    databaseUrl,
    db,
    listener,
    kafka,
    topic: kafka.prefix + notes.name,
    async relay() {
      await db.query('bench.nothing relayed', 'update log.relay set pos = 0')
      await db.query('bench.no offsets', 'delete from log.offsets')
      const done = Promise.withResolvers<void>()
      let published = 0
      const onPublished = (count: number) => {
        published += count
        if (published >= events) done.resolve()
      }
      let relay: ReturnType<typeof startRelay>
      const tookMs = await timed(() => {
        relay = startRelay({ ...kafka, db, listener, topics: [], onPublished, onError: done.reject })
        return done.promise
      })
      await relay!.stop()
      return tookMs
    },
    async messages(portion = PORTION) {
      const reader = postgresReader(db, listener)
      const at = new Map(Array.from({ length: notes.partitions }, (_, partition) => [partition, 0]))
      const portions = []
      for (;;) {
        const page: Recorded[] = await reader.read({ topic: notes.name, after: at, limit: portion })
        if (page.length === 0) break
        for (const { partition, pos } of page) at.set(partition, pos)
        portions.push(page.map((event) => toMessage(event, plainWire)))
      }
      await reader.close()
      return portions
    },
    async close() {
      await listener.close()
      await db.close()
      await log.close()
      await drop()
    },
  }
}
