import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { destroyPostgres, startPostgres } from '#platform/pg/embedded/index.ts'
import { openListener } from '#platform/pg/listen.ts'
import { migrate } from '#platform/pg/migrate.ts'
import { openDb } from '#platform/pg/pool.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { liveVersion } from '#projections/engine/versions.ts'
import { notesView } from '#projections/notes.ts'
import { eventually } from '#test/kit/eventually.ts'
import { startLoad } from '#test/kit/ledger.ts'
import { testLog, testReader } from '#test/kit/log.ts'
import { everyViewEqualsItsReplay } from '#test/kit/replay.ts'
import { startStack } from '#test/kit/stack.ts'

const CRASHES = 2

describe(`P1, P2: ${CRASHES} times kill -9 of the database under load`, function () {
  this.timeout(120_000)
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'vidwiz-crash-'))
  })
  after(async () => {
    await destroyPostgres(folder)
    rmSync(folder, { recursive: true, force: true })
  })

  const postmaster = () => Number(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])

  it('does not take back a view that was set up, although its rows are written lazily', async () => {
    const postgres = await startPostgres({ dataDir: folder, password: 'only for this test' })
    await migrate(postgres.url)
    const db = openDb(postgres.url, { durable: false })
    const log = await testLog(postgres.url)
    const listener = openListener(postgres.url)
    try {
      // What is not flushed by who commits it stays unflushed.
      await db.query('lazy', `alter system set wal_writer_delay = '10s'`)
      await db.query('reload', 'select pg_reload_conf()')
      await setupViews([notesView], { db, reader: await testReader(postgres.url, db, listener) })
      const crashed = postmaster()
      process.kill(crashed, 'SIGQUIT')
      await eventually(() => expect(postmaster()).to.not.equal(crashed), { withinMs: 30_000 })
      await eventually(() => db.query('eager', 'alter system reset wal_writer_delay'), { withinMs: 30_000 })
      expect(await liveVersion(db, notesView)).to.equal(notesView.version)
    } finally {
      await listener.close()
      await db.close()
      await log.close()
      await postgres.stop()
    }
  })

  it('loses no answered command, does none twice, and the views come back although they commit lazily', async () => {
    const postgres = await startPostgres({ dataDir: folder, password: 'only for this test' })
    await migrate(postgres.url)
    const stack = await startStack({}, { database: { url: postgres.url, drop: postgres.stop } })
    try {
      const load = await startLoad({ url: stack.url, clients: 8 })
      for (let crash = 0; crash < CRASHES; crash++) {
        const before = load.answered()
        await eventually(() => expect(load.answered()).to.be.greaterThan(before + 200), { withinMs: 30_000 })
        process.kill(postmaster(), 'SIGKILL')
      }
      const before = load.answered()
      await eventually(() => expect(load.answered()).to.be.greaterThan(before + 200), { withinMs: 30_000 })
      await load.stop()
      await eventually(() => load.audit(), { withinMs: 30_000, everyMs: 200 })
      await everyViewEqualsItsReplay(stack.databaseUrl)
    } finally {
      await stack.stop()
    }
  })
})
