import { appender } from '#platform/log/postgres/appender.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { freshDatabase } from '#test/kit/postgres.ts'
import { logConformance } from './suite.ts'

logConformance('Postgres', async () => {
  const database = await freshDatabase()
  const closing: (() => Promise<void>)[] = []
  const open = (max: number) => {
    const db = openDb(database.url, { max })
    closing.push(db.close)
    return db
  }
  return {
    writer: () => appender(open(2)),
    reader(options) {
      const listener = openListener(database.url)
      closing.push(listener.close)
      const reader = postgresReader(open(2), listener, options)
      closing.push(reader.close)
      return reader
    },
    async close() {
      for (const close of closing.reverse()) await close()
      await database.drop()
    },
  }
})
