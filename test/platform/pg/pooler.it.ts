import { expect } from 'chai'
import pg from 'pg'
import { openListener } from '#platform/pg/listen.ts'
import { migrate } from '#platform/pg/migrate.ts'
import { openDb } from '#platform/pg/pool.ts'
import { reach } from '#platform/pg/where.ts'
import { eventually } from '#test/kit/eventually.ts'
import { PGBOUNCER_RELEASES, type Pgbouncer, type PgbouncerOptions, pgbouncer } from '#test/kit/pgbouncer.ts'
import { administer, emptyDatabase, freshDatabase, type NewDatabase } from '#test/kit/postgres.ts'

const REFUSED = /^DB_URL leads to a pooler that hands out connections by transaction or by statement.*pool_mode = session/

const RESET = (database: string) => `alter database ${database} reset default_transaction_read_only`

for (const release of PGBOUNCER_RELEASES)
  describe(`PgBouncer ${release} before the database`, function () {
    this.timeout(60_000)
    let database: NewDatabase
    let pooler: Pgbouncer | undefined
    before(async () => {
      database = await freshDatabase()
    })
    after(() => database.drop())
    afterEach(() => pooler?.stop())

    const start = async (test: Mocha.Context, options: PgbouncerOptions, { url } = database) => {
      pooler = await pgbouncer(test, url, { ...options, release })
      return pooler.through(url)
    }

    const refusal = async (url: string) => {
      const db = openDb(url)
      const error = await db.query('reach', 'select 1').then(
        () => undefined,
        (error) => error,
      )
      await db.close()
      expect(error?.name, error?.message).to.equal('OperatorError')
      expect(error.message).not.to.contain('\n')
      return error.message
    }

    /** What somebody else finds who is handed a server connection that was ours. */
    const left = async () => {
      const other = new pg.Client({ connectionString: pooler!.through(database.url) })
      await other.connect()
      try {
        const { rows: settings } = await other.query(
          `select name from pg_settings where source = 'session' and name <> 'application_name' and name <> 'TimeZone' and name <> 'client_encoding'`,
        )
        const { rows: locks } = await other.query(
          `select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
        )
        const { rows: statements } = await other.query('select name from pg_prepared_statements')
        return { settings: settings.map(({ name }) => name), locks: locks.length, statements: statements.map(({ name }) => name) }
      } finally {
        await other.end()
      }
    }

    it('serves in session mode: statements by name, locks and LISTEN', async function () {
      const url = await start(this, { mode: 'session' })
      const db = openDb(url, { max: 4, indexed: true })
      const listener = openListener(url)
      await listener.ready()
      const told = new Promise((resolve) => listener.on('told', resolve))
      const lock = await listener.lock('one', () => {})
      expect(lock).to.be.an('object')
      const direct = openListener(database.url)
      await direct.ready()
      expect(await direct.lock('one', () => {})).to.equal(undefined)
      for (let i = 0; i < 3; i++)
        expect(await Promise.all(Array.from({ length: 8 }, () => db.query('t.seqscan', 'show enable_seqscan')))).to.deep.equal(
          Array(8).fill([{ enable_seqscan: 'off' }]),
        )
      // The listener may have looked once before it hears of what is told.
      await db.query('t.notify', `select pg_notify('told', 'x')`)
      await told
      await Promise.all([db.close(), listener.close(), direct.close()])
    })

    for (const mode of ['transaction', 'statement'] as const)
      it(`is refused in ${mode} mode, before anything is set, prepared or locked`, async function () {
        const url = await start(this, { mode })
        expect(await refusal(url)).to.match(REFUSED)
        const error = await migrate(url).catch((error) => error)
        expect(error.message).to.match(REFUSED)
        expect(await left()).to.deep.equal({ settings: [], locks: 0, statements: [] })
      })

    it('is refused in transaction mode also while others use it, and when it hands out the one that rested longest', async function () {
      const url = await start(this, { mode: 'transaction', size: 8, settings: { server_round_robin: 1 } })
      let isBusy = true
      const others = Array.from({ length: 6 }, async () => {
        const client = new pg.Client({ connectionString: url })
        await client.connect()
        while (isBusy) await client.query('select pg_sleep(0.001)')
        await client.end()
      })
      for (let i = 0; i < 10; i++) expect(await refusal(url)).to.match(REFUSED)
      isBusy = false
      await Promise.all(others)
    })

    it('is refused when it lends a single connection', async function () {
      expect(await refusal(await start(this, { mode: 'session', size: 1 }))).to.match(
        /lends no second connection.*raise the size of its pool/,
      )
    })

    describe('keeps sessions that began while the database was read-only', () => {
      const SESSIONS = 5
      let url: string
      beforeEach(async function () {
        // No other pooler in between, which would lend older sessions.
        url = await start(this, { mode: 'session' }, { ...database, url: database.direct })
        await administer(database.direct, `alter database ${database.name} set default_transaction_read_only = on`)
        const earlier = openDb(url, { max: SESSIONS })
        await Promise.all(Array.from({ length: SESSIONS }, () => earlier.query('t.sleep', 'select pg_sleep(0.2)')))
        await earlier.close()
      })
      const makeWritable = () => administer(new URL('/postgres', database.direct).href, RESET(database.name))
      afterEach(makeWritable)

      it('and each is given up at its first write, so that writing goes on by itself', async () => {
        const db = openDb(url, { max: SESSIONS })
        await makeWritable()
        const write = () =>
          db.tx(async (tx) => {
            await tx.query('delete from log.idempotency_keys where false')
            await tx.query('select pg_sleep(0.1)')
          })
        expect((await write().catch((error) => error))?.code).to.equal('25006')
        // As many at once as there are sessions.
        await eventually(() => Promise.all(Array.from({ length: SESSIONS }, write)))
        await db.close()
      })

      it('and a process that starts afterwards is let in', async () => {
        await makeWritable()
        const db = openDb(url, { max: 1 })
        await reach(db)
        await db.close()
      })

      it('and a process that starts before is refused, whichever session it is lent', async () => {
        const db = openDb(url, { max: 1 })
        const error = await reach(db).catch((error) => error)
        expect(error?.name, error?.message).to.equal('OperatorError')
        expect(error.message).to.match(/^the database is read-only/)
        await db.close()
      })
    })

    it('serves the set-up of an empty database in session mode', async function () {
      const empty = await emptyDatabase()
      const url = await start(this, { mode: 'session' }, empty)
      expect(await migrate(url)).to.include('001_log.sql')
      expect(await migrate(url)).to.deep.equal([])
      await empty.drop()
    })
  })
