import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { destroyPostgres, startPostgres } from '#platform/pg/embedded/index.ts'
import { migrate } from '#platform/pg/migrate.ts'
import { eventually } from '#test/kit/eventually.ts'
import { startLoad } from '#test/kit/ledger.ts'
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

  it('loses no answered command, does none twice, and the views come back although they commit lazily', async () => {
    const postgres = await startPostgres({ dataDir: folder, password: 'only for this test' })
    await migrate(postgres.url)
    const stack = await startStack({}, { url: postgres.url, drop: postgres.stop })
    try {
      const load = await startLoad({ url: stack.url, clients: 8 })
      for (let crash = 0; crash < CRASHES; crash++) {
        const before = load.answered()
        await eventually(() => expect(load.answered()).to.be.greaterThan(before + 200), { withinMs: 30_000 })
        process.kill(Number(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL')
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
