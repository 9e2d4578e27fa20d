import { expect } from 'chai'
import { catalog } from '#events/catalog.ts'
import { ofNewerCode, registerTypes } from '#platform/log/newer-code.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'
import { vidwiz } from '#test/kit/run.ts'
import { olderCatalog } from '#test/kit/two-versions.ts'

/** Each type in each schema version. */
const ours = [...catalog.values()].reduce((sum, { schema }) => sum + schema, 0)

describe('the register of types of event', () => {
  let database: TestDatabase
  let db: Db
  beforeEach(async () => {
    database = await freshDatabase()
    db = openDb(database.url, { max: 1 })
  })
  afterEach(async () => {
    await db?.close()
    await database?.drop()
  })
  const registered = async () =>
    (await db.query<{ n: number }>('t.registered', 'select count(*) as n from log.event_types'))[0]!.n
  const readOnly = () => db.query('t.readOnly', 'set default_transaction_read_only = on')

  it('has all that the versions of the code know together, however often they start', async () => {
    for (const one of [olderCatalog, catalog, catalog, olderCatalog]) await registerTypes(db, one)
    expect(await registered()).to.equal(ours)
  })

  it('keeps no process from starting that may not write: it says so if a type is missing', async () => {
    await registerTypes(db, olderCatalog)
    const failed: unknown[] = []
    await readOnly()
    await registerTypes(db, olderCatalog, (error) => failed.push(error))
    expect(failed).to.deep.equal([])
    await registerTypes(db, catalog, (error) => failed.push(error))
    expect(failed.map(String)).to.deep.equal(['error: cannot execute INSERT in a read-only transaction'])
  })

  it('answers that a type is known once a process registered it, and that none is where it cannot be read', async () => {
    const asked = ['NotePinned', 'NoteSung'].map((type) => ({ topic: 'vidwiz.notes', type, schema: 1 }))
    const known = async () => asked.map(await ofNewerCode(db, asked))
    await registerTypes(db, olderCatalog)
    expect(await known()).to.deep.equal([false, false])
    await registerTypes(db, catalog)
    expect(await known()).to.deep.equal([true, false])
    await db.query('t.away', 'drop table log.event_types')
    expect(await known()).to.deep.equal([false, false])
  })

  it('is written by setup, before anything of a new version runs', async () => {
    expect(await vidwiz(['setup'], { DB_URL: database.url }).finished).to.deep.include({ code: 0 })
    expect(await registered()).to.equal(ours)
  })
})
