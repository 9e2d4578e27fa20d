import { randomUUID } from 'node:crypto'
import { kafkaReader } from '#platform/log/kafka/reader.ts'
import { startRelay } from '#platform/log/kafka/relay.ts'
import { withTopics } from '#platform/log/kafka/topics.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { kafkaBrokers } from '#test/kit/kafka.ts'
import { freshDatabase } from '#test/kit/postgres.ts'
import { topic } from './groups.ts'
import { logConformance } from './suite.ts'

describe('where a Kafka runs', () => {
  before(async function () {
    await kafkaBrokers(this)
  })

  describe('Kafka as a log', () => {
    before(function () {
      return kafkaBrokers(this)
    })

    logConformance('Kafka', async () => {
      const database = await freshDatabase()
      const kafka = { brokers: (await kafkaBrokers()).split(','), prefix: `${randomUUID()}.` }
      await withTopics(kafka, (topics) => topics.create([topic]))
      const closing: (() => Promise<void>)[] = []
      const open = (max: number) => {
        const db = openDb(database.url, { max })
        closing.push(db.close)
        return db
      }
      const listener = openListener(database.url)
      closing.push(listener.close)
      await listener.ready()
      const relay = startRelay({ ...kafka, db: open(2), listener, topics: [topic] })
      closing.push(relay.stop)
      return {
        writer: () => appender(open(2)),
        reader() {
          const reader = kafkaReader(open(2), kafka)
          closing.push(reader.close)
          return reader
        },
        async close() {
          for (const close of closing.reverse()) await close()
          await withTopics(kafka, (topics) => topics.remove([topic]))
          await database.drop()
        },
      }
    })
  })
})
