import { expect } from 'chai'
import { openOwner, toldTo } from '#platform/log/consumers/owners.ts'
import { ownership } from '#platform/log/consumers/ownership.ts'
import { Fenced, HandedOver, NewerCode } from '#platform/log/port.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'

interface Row {
  service: string
  pid: number
  paused: Record<string, { cause: string; since: number; resumed?: boolean }>
  beatAt: number
  isLocked: boolean
}

describe('the owner of consumers', function () {
  this.timeout(30_000)
  let database: TestDatabase
  let db: Db
  let listener: Listener

  before(async () => {
    database = await freshDatabase()
    db = openDb(database.url, { max: 3, indexed: true })
    listener = openListener(database.url, { name: 'owner test' })
  })
  after(async () => {
    await listener?.close()
    await db?.close()
    await database?.drop()
  })

  const rowOf = async (id: string): Promise<Row | undefined> => {
    const [row] = await db.query<Omit<Row, 'paused'> & { paused: string }>(
      'owner',
      `select service, pid, paused, (extract(epoch from beat_at) * 1000)::float8 as "beatAt", exists (
          select from pg_locks where locktype = 'advisory' and granted
             and (classid::bigint << 32) | objid::bigint = hashtextextended('owner ' || id, 0)) as "isLocked"
         from log.owners where id = $1`,
      [id],
    )
    return row && { ...row, paused: JSON.parse(row.paused) }
  }
  const eventuallyRow = (id: string, check: (row: Row) => void) =>
    eventually(async () => {
      const row = await rowOf(id)
      expect(row).to.not.equal(undefined)
      check(row!)
    })

  it('shows that it lives, by its lock and by its beats, and leaves nothing behind', async () => {
    const owner = openOwner({ db, listener, service: 'projector', everyMs: 20 })
    let first = 0
    await eventuallyRow(owner.id, ({ isLocked, service, pid, beatAt }) => {
      expect([isLocked, service, pid]).to.deep.equal([true, 'projector', process.pid])
      first = beatAt
    })
    await eventuallyRow(owner.id, ({ beatAt }) => expect(beatAt).to.be.greaterThan(first))
    await owner.close()
    expect(await rowOf(owner.id)).to.equal(undefined)
  })

  it('takes its lock again when the connection broke', async () => {
    const owner = openOwner({ db, listener, service: 'projector', everyMs: 20 })
    await eventuallyRow(owner.id, ({ isLocked }) => expect(isLocked).to.equal(true))
    await db.query(
      'cut',
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'owner test % listener'`,
    )
    await eventuallyRow(owner.id, ({ isLocked }) => expect(isLocked).to.equal(true))
    await owner.close()
  })

  it('says at once why a consumer pauses, since when, that it took its work up again, and that it goes on', async () => {
    // Beats by themselves would come too late.
    const owner = openOwner({ db, listener, service: 'projector', everyMs: 3_600_000 })
    await eventuallyRow(owner.id, ({ paused }) => expect(paused).to.deep.equal({}))
    owner.paused('notes', 'vidwiz.notes', new Fenced('another one'))
    owner.paused('notes', 'vidwiz.notes', new Error('the disk is full'))
    let since = 0
    await eventuallyRow(owner.id, ({ paused }) => {
      expect(paused['notes vidwiz.notes']?.cause).to.equal('the disk is full')
      since = paused['notes vidwiz.notes']!.since
    })
    owner.resumed('notes', 'vidwiz.notes')
    owner.paused('notes', 'vidwiz.notes', new Error('the disk is still full'))
    await eventuallyRow(owner.id, ({ paused }) =>
      expect(paused).to.deep.equal({ 'notes vidwiz.notes': { cause: 'the disk is still full', since } }),
    )
    owner.worked('notes', 'vidwiz.notes')
    await eventuallyRow(owner.id, ({ paused }) => expect(paused).to.deep.equal({}))
    await owner.close()
  })

  it('says that it leaves a consumer to newer code, until it handles events again; one that is handed over is no pause', async () => {
    const owner = openOwner({ db, listener, service: 'projector', everyMs: 3_600_000 })
    owner.paused('videos', 'vidwiz.videos', new HandedOver('too slow'))
    owner.paused('notes', 'vidwiz.notes', new NewerCode('notes', 'no event is called NotePinned'))
    const cause = 'no event is called NotePinned. Newer code knows it, so this process leaves notes to newer code'
    await eventuallyRow(owner.id, ({ paused }) => {
      expect(Object.keys(paused)).to.deep.equal(['notes vidwiz.notes'])
      expect(paused['notes vidwiz.notes']).to.deep.include({ cause, isLeft: true })
    })
    owner.worked('notes', 'vidwiz.notes')
    await eventuallyRow(owner.id, ({ paused }) => expect(paused).to.deep.equal({}))
    await owner.close()
  })

  it('goes on with a call that hangs where nobody else could, and asks of that very consumer and topic', async () => {
    const owner = openOwner({ db, listener, service: 'projector', everyMs: 20 })
    const asked: string[][] = []
    const hasPeer = (...of: [string, string]) => {
      asked.push(of)
      return owner.hasPeer(...of)
    }
    const alone = { ...owner, hasPeer }
    const come = Promise.withResolvers<void>()
    const follower = {
      consumer: 'notes',
      topic: { name: 'vidwiz.notes', partitions: 1 },
      resume: async () => new Map(),
      handle: () => come.promise,
    }
    const handling = toldTo(alone, 'notes', follower, { longestMs: 1 }).handle([])
    await Promise.race([handling, eventually(() => expect(asked).to.deep.include(['notes', 'vidwiz.notes']))])
    come.resolve()
    await handling
    await owner.close()
  })

  it('is on the checkpoints that it takes over, and keeps where they stood when', async () => {
    const owner = openOwner({ db, listener, service: 'projector', everyMs: 20 })
    const own = ownership(db, { consumer: 'c', topic: 't', owner: owner.id })
    await own.resume([0, 1])
    expect(await db.query('owned', `select distinct owner from log.checkpoints where consumer = 'c'`)).to.deep.equal([
      { owner: owner.id },
    ])
    const advances = async () =>
      (
        await db.query<{ positions: string }>('advances', `select positions from log.advances where consumer = 'c' order by at`)
      ).map(({ positions }) => JSON.parse(positions))
    expect(await advances()).to.deep.equal([])
    await db.query('move', `update log.checkpoints set pos = 7, moved_at = now() where consumer = 'c' and partition = 1`)
    owner.worked('c', 't')
    await eventually(async () => expect((await advances()).at(-1)).to.include({ 1: 7 }))
    const kept = (await advances()).length
    // At rest nothing more is kept, however often it beats.
    const [before] = await db.query<{ beat_at: string }>('beat', 'select beat_at from log.owners where id = $1', [owner.id])
    await eventually(async () => {
      const [now] = await db.query<{ beat_at: string }>('beat', 'select beat_at from log.owners where id = $1', [owner.id])
      expect(now!.beat_at).to.not.equal(before!.beat_at)
    })
    expect(await advances()).to.have.length(kept)
    await owner.close()
  })
})
