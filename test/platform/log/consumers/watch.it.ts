import { expect } from 'chai'
import { type Relieved, type Silent, watchOwners } from '#platform/log/consumers/watch.ts'
import { newId } from '#platform/log/new-id.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'

const SILENT_MS = 10_000
const LOOK_MS = 2_000

describe('watching the owners of consumers', function () {
  this.timeout(30_000)
  let database: TestDatabase
  let db: Db
  let listeners: Listener[]

  beforeEach(async () => {
    database = await freshDatabase()
    db = openDb(database.url, { max: 3 })
    listeners = []
  })
  afterEach(async () => {
    for (const one of listeners) await one.close()
    await db.close()
    await database.drop()
  })

  /** An owner as a process makes itself known, whose beats are in the hands of the test. `isCut` tells whether its locks were lost. */
  async function anOwner(service: string, ageSeconds = 60) {
    const id = newId()
    const listener = openListener(database.url, { name: `vidwiz ${id}` })
    listeners.push(listener)
    await listener.ready()
    let isCut = false
    await listener.lock(`owner ${id}`, () => {
      isCut = true
    })
    await db.query(
      'test.owner',
      `insert into log.owners (id, service, host, pid, beat_at) values ($1, $2, 'a host', 77, now() - make_interval(secs => $3))`,
      [id, service, ageSeconds],
    )
    return { id, isCut: () => isCut }
  }

  /** A watch of the service `projector` with a clock that moves only by its looks. */
  function aWatch() {
    let at = 0
    const relieved: Relieved[] = []
    const frozen: Silent[] = []
    const watch = watchOwners({
      db,
      id: newId(),
      service: 'projector',
      silentMs: SILENT_MS,
      now: () => at,
      onRelieved: (one) => relieved.push(one),
      onFrozen: (one) => frozen.push(one),
    })
    const looks = async (times: number, everyMs = LOOK_MS) => {
      for (let n = 0; n < times; n++) {
        at += everyMs
        await watch.look()
      }
    }
    return { watch, looks, relieved, frozen }
  }

  it('relieves one that has shown no sign of life for 10 s, and says who, and for how long', async () => {
    const owner = await anOwner('projector')
    const { looks, relieved, watch } = aWatch()
    await looks(5)
    expect(relieved, 'old as its beat is, only what was seen counts').to.deep.equal([])
    expect(watch.hasPeer('c', 't')).to.equal(true)
    await looks(1)
    await eventually(() => expect(owner.isCut()).to.equal(true))
    expect(relieved).to.deep.equal([{ id: owner.id, service: 'projector', host: 'a host', pid: 77, silentMs: 10_000, cut: 1 }])
    await looks(1)
    expect([relieved.length, watch.hasPeer('c', 't')]).to.deep.equal([1, false])
  })

  it('leaves one alone whose checkpoints move, though its beats fail', async () => {
    const owner = await anOwner('projector')
    const { looks, relieved } = aWatch()
    await db.query('test.make', `insert into log.checkpoints (consumer, topic, partition, owner) values ('c', 't', 0, $1)`, [
      owner.id,
    ])
    for (let n = 0; n < 8; n++) {
      await db.query('test.move', 'update log.checkpoints set pos = pos + 1, moved_at = clock_timestamp()')
      await looks(1)
    }
    expect([relieved.length, owner.isCut()]).to.deep.equal([0, false])
  })

  it('does not take it for a sign of life that one loses its checkpoints to another, one by one', async () => {
    const owner = await anOwner('projector')
    const { looks, relieved } = aWatch()
    await db.query(
      'test.make',
      `insert into log.checkpoints (consumer, topic, partition, owner, pos, moved_at)
       select 'c', 't', n, $1, n, now() - make_interval(secs => n) from generate_series(0, 9) n`,
      [owner.id],
    )
    for (let n = 0; n < 6; n++) {
      await looks(1)
      await db.query(
        'test.take',
        `update log.checkpoints set owner = $2, epoch = epoch + 1, moved_at = clock_timestamp() where partition = $1`,
        [n, newId()],
      )
    }
    expect(relieved.map(({ silentMs }) => silentMs)).to.deep.equal([10_000])
  })

  it('proves nothing by looks that lie far apart: who watches was frozen itself, or the database was away', async () => {
    const owner = await anOwner('projector')
    const { looks, relieved } = aWatch()
    await looks(4)
    await looks(1, 60_000)
    await looks(4)
    expect([relieved.length, owner.isCut()]).to.deep.equal([0, false])
  })

  it('leaves one alone that has beaten between the look and the relief', async () => {
    // To the watch its row stands still, and by the clock of the database it has just beaten.
    const owner = await anOwner('projector', 0)
    const { looks, relieved } = aWatch()
    await looks(8)
    expect([relieved.length, owner.isCut()]).to.deep.equal([0, false])
  })

  it('ends the transaction that a frozen process left open, and no other', async () => {
    const owner = await anOwner('projector')
    await db.query('test.make', `insert into log.checkpoints (consumer, topic, partition) values ('c', 't', 0)`)
    const left = openDb(database.url, { max: 1, name: `vidwiz ${owner.id}` })
    const other = openDb(database.url, { max: 1, name: 'vidwiz another' })
    const end = Promise.withResolvers<void>()
    const began = Promise.withResolvers<void>()
    try {
      const leaving = left
        .tx(async (tx) => {
          await tx.query(`update log.checkpoints set pos = 1 where consumer = 'c'`)
          began.resolve()
          await end.promise
        })
        .then(
          () => 'committed',
          () => 'ended',
        )
      const staying = other
        .tx(async (tx) => {
          await tx.query('select 1')
          await end.promise
        })
        .then(
          () => 'committed',
          () => 'ended',
        )
      await began.promise
      const watch = watchOwners({ db, id: newId(), service: 'projector', silentMs: 100 })
      await watch.look()
      await eventually(async () => {
        await watch.look()
        expect(owner.isCut()).to.equal(true)
      })
      await db.query('test.take', `update log.checkpoints set epoch = epoch + 1 where consumer = 'c'`)
      end.resolve()
      expect([await leaving, await staying]).to.deep.equal(['ended', 'committed'])
    } finally {
      end.resolve()
      await left.close()
      await other.close()
    }
  })

  it('does not count on one that leaves a consumer to other code, for that consumer', async () => {
    const peer = await anOwner('projector', 0)
    const { looks, watch } = aWatch()
    const says = (paused: object) =>
      db.query('test.paused', 'update log.owners set paused = $2, beat_at = clock_timestamp() where id = $1', [
        peer.id,
        JSON.stringify(paused),
      ])
    await says({ 'c t': { cause: 'the live view is newer', since: 1, isLeft: true }, 'd t': { cause: 'no disk', since: 1 } })
    await looks(1)
    expect([watch.hasPeer('c', 't'), watch.hasPeer('d', 't'), watch.hasPeer('c', 'u')]).to.deep.equal([false, true, true])
    await anOwner('projector', 0)
    await looks(1)
    expect(watch.hasPeer('c', 't'), 'another one can').to.equal(true)
  })

  it('tells of a frozen process of another service once, if nobody of that service can take over', async () => {
    const alone = await anOwner('relay')
    const frozen = await anOwner('ai-notes')
    const living = await anOwner('ai-notes')
    const { looks, frozen: told, relieved } = aWatch()
    for (let n = 0; n < 9; n++) {
      await db.query('test.beat', 'update log.owners set beat_at = clock_timestamp() where id = $1', [living.id])
      await looks(1)
    }
    expect(told.map(({ id, silentMs }) => [id, silentMs])).to.deep.equal([[alone.id, 10_000]])
    expect([relieved.length, alone.isCut(), frozen.isCut()]).to.deep.equal([0, false, false])
  })
})
