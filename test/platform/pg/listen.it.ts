import { expect } from 'chai'
import { openListener } from '#platform/pg/listen.ts'
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
})
