import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type Relieved, watchOwners } from '#platform/log/consumers/watch.ts'
import { newId } from '#platform/log/new-id.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'

const PROGRAM = fileURLToPath(new URL('copying-owner.ts', import.meta.url))
/** More than a beat, and less than a look may lie behind the last. */
const SILENT_MS = 4_000

describe('relieving a process that was frozen in a transaction', function () {
  this.timeout(60_000)
  let database: TestDatabase
  let db: Db
  const children: ChildProcess[] = []
  before(async () => {
    database = await freshDatabase()
    db = openDb(database.url, { max: 3 })
    await db.connection((client) => client.query('create table public.copied (line text)'))
  })
  after(async () => {
    for (const child of children) child.kill('SIGKILL')
    await db?.close()
    await database?.drop()
  })

  /** Another process of the same service on this host, which copies. */
  async function copying(consumer: string) {
    await db.query('test.make', `insert into log.checkpoints (consumer, topic, partition) values ($1, 't', 0)`, [consumer])
    const child = fork(PROGRAM, [database.url, consumer], { stdio: ['pipe', 'inherit', 'inherit', 'ipc'] })
    children.push(child)
    const [id] = await once(child, 'message')
    child.stdin!.write('begun\n')
    return { child, id: id as string }
  }

  it('ends all that it has open, and nothing of a sibling on the same host in a long copy, which goes on', async () => {
    const frozen = await copying('one')
    const sibling = await copying('two')
    const copies = () =>
      db.query<{ pid: number }>(
        'test.copies',
        `select pid from pg_stat_activity where query like 'copy public.copied%' and state = 'active'
        and datname = current_database() and wait_event_type = 'Client'`,
      )
    await eventually(async () => expect(await copies()).to.have.length(2))
    frozen.child.kill('SIGSTOP')
    const relieved: Relieved[] = []
    const watch = watchOwners({
      db,
      id: newId(),
      service: 'projector',
      silentMs: SILENT_MS,
      onRelieved: (one) => relieved.push(one),
    })
    await eventually(
      async () => {
        await watch.look()
        expect(relieved.map(({ id }) => id)).to.deep.equal([frozen.id])
      },
      { withinMs: 20_000, everyMs: 500 },
    )
    expect(relieved[0]!.cut, 'its listener, its transaction and its copy').to.be.at.least(3)
    // At once: no lock of the frozen one is left to wait for.
    await db.query('test.take', `update log.checkpoints set epoch = epoch + 1 where consumer = 'one'`)
    // A process of Postgres that was told to end takes a moment.
    await eventually(async () => expect(await copies()).to.have.length(1))

    sibling.child.stdin!.end('ended\n')
    expect(await once(sibling.child, 'message')).to.include('ended')
    expect(await db.query('test.copied', 'select line from public.copied order by 1')).to.deep.equal([
      { line: 'begun' },
      { line: 'ended' },
    ])
    expect(await db.query('test.moved', `select consumer, pos from log.checkpoints order by 1`)).to.deep.equal([
      { consumer: 'one', pos: 0 },
      { consumer: 'two', pos: 1 },
    ])
  })
})
