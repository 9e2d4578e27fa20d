import { expect } from 'chai'
import { appender } from '#platform/log/postgres/appender.ts'
import { assertNoGapsBetween, gapsInWords, gapsOf } from '#platform/log/postgres/gaps.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { write } from '#test/conformance/log/groups.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'

describe('events that are gone from the middle of the log', () => {
  let database: TestDatabase
  let db: Db
  beforeEach(async () => {
    database = await freshDatabase()
    db = openDb(database.url, { max: 2 })
    for (let n = 0; n < 10; n++) await write(appender(db), 'thing-1', 0, 1)
  })
  afterEach(async () => {
    await db.close()
    await database.drop()
  })

  const sql = (text: string) => db.query('', text)

  it('are none in an empty log, and none in a whole one', async () => {
    expect(await gapsOf(db)).to.deep.equal({ gone: 0, gaps: [] })
    await sql('delete from log.events')
    expect(await gapsOf(db)).to.deep.equal({ gone: 0, gaps: [] })
  })

  it('are counted and named, at the beginning too', async () => {
    await sql('delete from log.events where pos in (1, 4, 5, 8)')
    const found = await gapsOf(db)
    expect(found).to.deep.equal({
      gone: 4,
      gaps: [
        { first: 1, last: 1 },
        { first: 4, last: 5 },
        { first: 8, last: 8 },
      ],
    })
    expect(gapsInWords(found)).to.equal('4 events are gone from the middle of the log, at positions 1, 4 to 5, 8')
    expect(gapsInWords(await gapsOf(db, 2))).to.equal('4 events are gone from the middle of the log, at positions 1, 4 to 5 …')
  })

  it('are not positions that were left out when the log was restored, also twice in a row', async () => {
    await sql(`insert into log.restorations (epoch, head, floor) values (2, 10, 50), (3, 10, 70)`)
    await sql(`update log.timeline set floor = 70, epoch = 3`)
    await write(appender(db), 'thing-1', 0, 1)
    expect(await gapsOf(db)).to.deep.equal({ gone: 0, gaps: [] })
    await sql('delete from log.events where pos = 10')
    expect(await gapsOf(db)).to.deep.equal({ gone: 1, gaps: [{ first: 10, last: 10 }] })
  })

  it('are not those that an operator gave up, nor those that were pruned', async () => {
    await sql('delete from log.events where pos in (2, 6)')
    await sql('insert into log.given_up (first, last, epoch) values (2, 2, 2)')
    expect(await gapsOf(db)).to.deep.equal({ gone: 1, gaps: [{ first: 6, last: 6 }] })
    await sql('update log.timeline set pruned = true')
    await sql('update log.relay set pos = 8')
    expect(await gapsOf(db)).to.deep.equal({ gone: 0, gaps: [] })
  })

  it('are found in a pruned log too, among what is not published yet', async () => {
    await sql('delete from log.events where pos in (1, 2, 3, 9)')
    await sql('update log.timeline set pruned = true')
    await sql('update log.relay set pos = 8')
    expect(await gapsOf(db)).to.deep.equal({ gone: 1, gaps: [{ first: 9, last: 9 }] })
    const error = await assertNoGapsBetween(db, 8, 10).catch((error: Error) => error)
    expect((error as Error).message).to.match(/^1 event is gone from the middle of the log, at position 9\. /)
    await assertNoGapsBetween(db, 4, 8)
  })

  it('are found although others, given up before, were brought back', async () => {
    await sql('create table public.removed as select * from log.events where pos in (3, 4)')
    await sql('delete from log.events where pos in (3, 4)')
    await sql('insert into log.given_up (first, last, epoch) values (3, 4, 2)')
    await sql('insert into log.events select * from public.removed')
    expect(await gapsOf(db)).to.deep.equal({ gone: 0, gaps: [] })
    await sql('delete from log.events where pos in (6, 7)')
    expect(await gapsOf(db)).to.deep.equal({ gone: 2, gaps: [{ first: 6, last: 7 }] })
  })
})
