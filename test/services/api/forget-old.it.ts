import { expect } from 'chai'
import { type Db, openDb, type Queryable } from '#platform/pg/pool.ts'
import { openLogger } from '#platform/telemetry/logger.ts'
import { forgetOld } from '#services/api/forget-old.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'

describe('forgetting what is over', () => {
  let database: TestDatabase
  let db: Db
  before(async () => {
    database = await freshDatabase()
    db = openDb(database.url, { max: 2 })
  })
  after(async () => {
    await db.close()
    await database.drop()
  })

  it('forgets much in short statements, between which others have their turn', async () => {
    await db.query(
      't.5',
      `insert into log.idempotency_keys (scope, key, fingerprint, kept, at)
       select 's', 'many ' || n, 'f', '{}', now() - interval '8 days' from generate_series(1, 12000) n`,
    )
    const forgotten: number[] = []
    const counting: Queryable = {
      async query<R extends object>(name: string, text: string, values?: unknown[]) {
        const rows = await db.query<R>(name, text, values)
        if (rows.length > 0) forgotten.push(rows.length)
        return rows
      },
    }
    const stop = forgetOld(counting, openLogger('test', 'silent'))
    await eventually(() => expect(forgotten.reduce((sum, rows) => sum + rows, 0)).to.equal(12_000))
    stop()
    expect(Math.max(...forgotten)).to.be.at.most(5_000)
  })

  it('forgets counters of days gone by and keys of last week, and nothing younger', async () => {
    await db.query(
      't.1',
      `insert into log.counters values ('old', 5, now() - interval '1 second'), ('young', 5, now() + interval '1 minute')`,
    )
    await db.query(
      't.2',
      `insert into log.idempotency_keys (scope, key, fingerprint, kept, at)
       select 's', 'old ' || n, 'f', '{}', now() - interval '8 days' from generate_series(1, 12000) n
       union all values ('s', 'young', 'f', '{}'::json, now() - interval '6 days')`,
    )
    const stop = forgetOld(db, openLogger('test', 'silent'))
    await eventually(async () => {
      expect(await db.query('t.3', 'select name from log.counters')).to.deep.equal([{ name: 'young' }])
      expect(await db.query('t.4', 'select key from log.idempotency_keys')).to.deep.equal([{ key: 'young' }])
    })
    stop()
  })
})
