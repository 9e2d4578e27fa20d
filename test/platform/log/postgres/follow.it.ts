import { expect } from 'chai'
import { appender } from '#platform/log/postgres/appender.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { topic, write } from '#test/conformance/log/groups.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'

describe('a follower of the embedded log', () => {
  let database: TestDatabase
  let db: Db
  let listener: Listener
  beforeEach(async () => {
    database = await freshDatabase()
    db = openDb(database.url)
    listener = openListener(database.url)
    await listener.ready()
  })
  afterEach(async () => {
    await listener.close()
    await db.close()
    await database.drop()
  })

  it('reads once for an append, and not again to find nothing', async () => {
    let reads = 0
    const counted: Db = {
      ...db,
      query: (name, ...rest) => {
        if (name === 'log.read') reads++
        return db.query(name, ...rest)
      },
    }
    const reader = postgresReader(counted, listener, { safetyNetMs: 3_600_000 })
    const seen: number[] = []
    const following = reader.follow({
      consumer: 'one',
      topic,
      resume: async () => new Map(),
      handle: async (batch) => void seen.push(...batch.map(({ pos }) => pos)),
    })
    await eventually(() => expect(reads).to.equal(1))
    for (let n = 1; n <= 10; n++) {
      await write(appender(db), `thing-${n}`, 0, 1)
      await eventually(() => expect(seen.length).to.equal(n), { everyMs: 1 })
    }
    expect(reads).to.equal(11)
    await following.stop()
    await reader.close()
  })
})
