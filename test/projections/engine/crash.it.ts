import { expect } from 'chai'
import { INCARNATION } from '#platform/pg/incarnation.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { readSteadily } from '#projections/engine/steady.ts'
import { openWaiter, type Waiter } from '#projections/engine/wait.ts'
import { notesView } from '#projections/notes.ts'
import { type CrashingPostgres, crashingPostgres } from '#test/kit/crashing-postgres.ts'
import { eventually } from '#test/kit/eventually.ts'
import { openTunnel, type Tunnel } from '#test/kit/tunnel.ts'

const { name, topic } = notesView
const at = (pos: number) => [{ topic: topic.name, partition: 0, pos }]
const SOON = { withinMs: 30_000, everyMs: 5 }

describe('what is known of views, across a crash of the database (P5)', function () {
  this.timeout(120_000)
  let postgres: CrashingPostgres
  let tunnel: Tunnel
  let db: Db
  let lazy: Db
  let listener: Listener
  let waiter: Waiter
  before(async () => {
    postgres = await crashingPostgres()
    const admin = openDb(postgres.url, { max: 1 })
    // What is not flushed by who commits it stays unflushed, and is lost in a crash.
    await admin.query('lazy', `alter system set wal_writer_delay = '10s'`)
    await admin.query('reload', 'select pg_reload_conf()')
    await admin.close()
    // Never told that its server is gone: it believes for as long as the test lasts.
    tunnel = await openTunnel(postgres.url, { tells: false })
  })
  after(async () => {
    tunnel?.close()
    await postgres?.stop()
  })
  beforeEach(async () => {
    db = openDb(postgres.url)
    lazy = openDb(postgres.url, { durable: false, max: 1 })
    listener = openListener(tunnel.url)
    await listener.ready()
    waiter = openWaiter(db, listener, [notesView])
    await db.query('t.clear', 'delete from log.checkpoints')
    await db.query('t.clearEvents', 'delete from log.events')
    await db.query('t.durable', 'insert into log.checkpoints (consumer, topic, partition, pos) values ($1, $2, 0, 5)', [
      name,
      topic.name,
    ])
    await db.query(
      't.event',
      `insert into log.events (pos, topic, partition, key, stream, version, id, type, schema, time, data)
       values (9, $1, 0, 'k', 'note-1', 1, gen_random_uuid(), 'NoteCreated', 1, 0, '{}')`,
      [topic.name],
    )
  })
  afterEach(async () => {
    waiter.close()
    await listener.close()
    await lazy.close()
    await db.close()
  })

  /** The view comes to a position with a commit that is not flushed. */
  const moved = (pos: number) =>
    lazy.query(
      't.move',
      `with moved as (update log.checkpoints set pos = $1 where consumer = $2 returning pos)
       select pg_notify('checkpoints', json_build_object('consumer', $2::text, 'topic', topic, 'positions', json_build_object('0', $1::bigint))::text)
         from log.checkpoints where consumer = $2`,
      [pos, name],
    )
  const move = async (pos: number) => {
    await moved(pos)
    await eventually(() => expect(waiter.shows([name], at(pos))).to.equal(true), SOON)
  }
  const positionRead = async () => (await db.query<{ pos: number }>('t.pos', 'select pos from log.checkpoints'))[0]!.pos
  const incarnation = async () => {
    const one = openDb(postgres.url, { max: 1 })
    const [row] = await one.query<{ of: string }>('t.incarnation', `select ${INCARNATION} as of`)
    await one.close()
    return row!.of
  }

  it('a life of the server has one name, which ends with a crash of the postmaster or of a backend', async () => {
    const first = await incarnation()
    expect(await incarnation()).to.equal(first)
    await postgres.crashBackend()
    const second = await incarnation()
    expect(second).to.not.equal(first)
    expect(await incarnation()).to.equal(second)
    await postgres.crash()
    expect(await incarnation()).to.not.be.oneOf([first, second])
  })

  for (const [what, crash] of [
    ['postmaster', () => postgres.crash()],
    ['backend', () => postgres.crashBackend()],
  ] as const)
    it(`a read that met the server after a crash of a ${what} is read again, though the listener believes in the old one`, async () => {
      await move(9)
      await crash()
      // Nothing has told the waiter yet.
      expect(waiter.shows([name], at(9))).to.equal(true)
      const reads: number[] = []
      const read = await readSteadily(
        waiter,
        () => waiter.shows([name], at(9)),
        async () => reads.push(await positionRead()),
      )
      expect(reads[0], 'the commit was lost').to.equal(5)
      expect(reads.length).to.be.greaterThan(1)
      expect(read.isVisible).to.equal(false)
      expect(await waiter.visible([name], at(9), 300)).to.equal(false)
    })

  it('what an old server said is not learned when it is heard after a new one was met', async () => {
    const heard: string[] = []
    listener.on('checkpoints', (payload = '') => heard.push(payload))
    await move(8)
    tunnel.hold()
    await moved(9)
    // The old server has told the listener before it crashes.
    await eventually(() => expect(tunnel.holds()).to.be.greaterThan(0), SOON)
    await postgres.crash()
    expect(await positionRead()).to.equal(5)
    await eventually(() => expect(waiter.shows([name], at(5))).to.equal(true), SOON)
    tunnel.pass()
    await eventually(() => expect(heard.join()).to.include('"0" : 9'), SOON)
    expect(waiter.shows([name], at(6))).to.equal(false)
  })

  it('after a crash reads wait until the views are where the log is', async () => {
    await move(9)
    expect(waiter.recovered([name])).to.equal(undefined)
    await postgres.crash()
    await positionRead()
    let isOver = false
    const recovered = waiter.recovered([name])!.then(() => {
      isOver = true
    })
    await waiter.visible([name], at(8), 200)
    expect(isOver).to.equal(false)
    await db.query('t.caughtUp', 'update log.checkpoints set pos = 9')
    await recovered
    expect(waiter.shows([name], at(9))).to.equal(true)
  })
})
