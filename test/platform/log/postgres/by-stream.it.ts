import { expect } from 'chai'
import type { Replayed } from '#events/kit/envelope.ts'
import type { HistoryQuery } from '#platform/log/port.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { group, topic } from '#test/conformance/log/groups.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'

const STREAMS = Array.from({ length: 60 }, (_, n) => `thing-${n}`)

describe('a history of the embedded log that is read stream after stream (P6)', () => {
  let database: TestDatabase
  let db: Db
  let listener: Listener
  beforeEach(async () => {
    database = await freshDatabase()
    db = openDb(database.url)
    listener = openListener(database.url)
    for (let version = 0; version < 4; version++)
      await appender(db).append(STREAMS.map((stream) => group(stream, version, [{ actor: `user-${version}` }])))
  })
  afterEach(async () => {
    await listener.close()
    await db.close()
    await database.drop()
  })

  const events = async (order: 'history' | 'historyByStream', query: HistoryQuery) => {
    const read: Replayed[] = []
    const answer = await postgresReader(db, listener)[order]!(query, (some) => {
      read.push(...some)
    })
    return { read, answer }
  }
  const query = async (): Promise<HistoryQuery> => {
    const heads = await postgresReader(db, listener).heads(topic)
    // Not all partitions, and not all of each.
    const upTo = new Map([...heads].slice(1).map(([partition, head]) => [partition, Math.min(head, 200)]))
    return { topic: topic.name, upTo, after: new Map(), uses: ['actor'] }
  }

  it('has the events of the same history in positions, whole streams one after another, each in version order', async () => {
    const { read, answer } = await events('historyByStream', await query())
    expect(answer).to.equal(true)
    const byPosition = await events('history', await query())
    expect(read.toSorted((a, b) => a.pos - b.pos)).to.deep.equal(byPosition.read.toSorted((a, b) => a.pos - b.pos))
    const streams = read.map(({ stream }) => stream).filter((stream, i, all) => stream !== all[i - 1])
    expect(streams).to.have.length(new Set(streams).size)
    for (const [i, { stream, version }] of read.entries())
      if (read[i - 1]?.stream === stream) expect(version).to.be.above(read[i - 1]!.version)
  })

  it('is not read in this order where most events of the log are of other topics', async () => {
    await db.query(
      't.others',
      `insert into log.events (pos, topic, partition, key, stream, version, id, type, schema, time, data)
       select 1000 + n, 'others', 0, 'k', 'other-' || n, 1, gen_random_uuid(), 'OtherDone', 1, 0, '{}' from generate_series(1, 2000) n`,
    )
    const { read, answer } = await events('historyByStream', await query())
    expect({ read, answer }).to.deep.equal({ read: [], answer: false })
  })
})
