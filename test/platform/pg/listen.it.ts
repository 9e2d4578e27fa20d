import { expect } from 'chai'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { inWords } from '#platform/pg/holder.ts'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { startProjector } from '#projections/engine/projector.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { views } from '#projections/index.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'

describe('a lock of the listening connection', () => {
  let database: TestDatabase
  before(async () => {
    database = await freshDatabase()
  })
  after(() => database.drop())

  it('has one holder at a time, also within a process, and is free again when released', async () => {
    const listener = openListener(database.url)
    await listener.ready()
    const take = () => listener.lock('thing', () => {})
    const [first, second] = await Promise.all([take(), take()])
    expect([first, second].filter(Boolean)).to.have.length(1)
    expect(await take()).to.equal(undefined)
    await first!.release()
    const again = await take()
    expect(again).to.not.equal(undefined)
    await listener.close()
  })

  it('has a holder that others can name: its process, its program, where it came from and since when', async () => {
    const [one, other] = [openListener(database.url, { name: 'one' }), openListener(database.url, { name: 'other' })]
    await Promise.all([one.ready(), other.ready()])
    for (const key of ['a follower', 'follow notes vidwiz.notes']) {
      expect(await other.holder(key)).to.equal(undefined)
      await one.lock(key, () => {})
      const holder = await other.holder(key)
      expect(holder!.application).to.match(/^one \d+-\w+ listener$/)
      expect(holder!.address).to.equal('127.0.0.1')
      expect(holder!.pid).to.be.a('number')
      expect(inWords(holder!)).to.match(
        /^process \d+ of Postgres \(one \d+-\w+ listener\), connected from 127\.0\.0\.1 since \d{4}-/,
      )
    }
    await Promise.all([one.close(), other.close()])
  })
})

describe('a projector that cannot have the lock of a view', () => {
  it('says who has it, once', async function () {
    this.timeout(20_000)
    const database = await freshDatabase()
    const db = openDb(database.url)
    const listener = openListener(database.url)
    const foreign = openDb(database.url, { name: 'left behind', max: 1 })
    const [view] = views
    await foreign.query('t.lock', 'select pg_advisory_lock(hashtextextended($1, 0))', [
      `follow ${view!.name} ${view!.topic.name}`,
    ])
    await listener.ready()
    const told: (string | null)[] = []
    const reader = postgresReader(db, listener)
    await setupViews([view!], { db, reader })
    const projector = startProjector({
      db,
      reader,
      views: [view!],
      onHeld: (_, holder) => holder && told.push(holder.application),
    })
    await eventually(() => expect(told.join()).to.match(/^left behind \d+-\w+$/))
    await projector.stop()
    await reader.close()
    await Promise.all([listener.close(), foreign.close(), db.close()])
    await database.drop()
  })
})
