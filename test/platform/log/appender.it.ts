import { expect } from 'chai'
import { appender } from '#platform/log/postgres/appender.ts'
import { inTransaction, openDb } from '#platform/pg/pool.ts'
import { group } from '#test/conformance/log/groups.ts'
import { freshDatabase } from '#test/kit/postgres.ts'

describe('loading a stream', () => {
  it('looks at its own events only, and of those at what came after the snapshot, also by a plan made when the log was empty', async () => {
    const database = await freshDatabase()
    const db = openDb(database.url, { indexed: true })
    try {
      await db.tx(async (tx) => {
        const log = appender(inTransaction(tx))
        const load = () => log.load({ streams: ['thing-1', 'thing-2'], ids: {}, idempotencyKeys: [] })
        await tx.query('set local plan_cache_mode = force_generic_plan')
        await load()
        const many = Array.from({ length: 500 }, () => ({}))
        await log.append([
          ...Array.from({ length: 1_000 }, (_, n) => group(`thing-${n + 10}`, 0, [{}])),
          group('thing-1', 0, many, { keep: '{}' }),
          group('thing-2', 0, [{}, {}]),
        ])
        await log.append([group('thing-1', 500, [{}, {}, {}])])

        const looked = async () => {
          const { rows } = await tx.query(
            `select idx_tup_fetch + seq_tup_read as rows from pg_stat_xact_user_tables where schemaname = 'log' and relname = 'events'`,
          )
          return rows[0].rows as number
        }
        const before = await looked()
        const { streams } = await load()
        expect([...streams.values()].map(({ since }) => since.length)).to.deep.equal([3, 2])
        // Those five, the last one in the snapshot, and the head.
        expect((await looked()) - before).to.be.lessThan(10)
      })
    } finally {
      await db.close()
      await database.drop()
    }
  })
})
