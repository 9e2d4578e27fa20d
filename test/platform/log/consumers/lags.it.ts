import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { openOwner } from '#platform/log/consumers/owners.ts'
import { relayLag } from '#platform/log/kafka/relay-lag.ts'
import { lagsOf } from '#platform/log/postgres/lags.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'

const PARTITIONS = 3
const things = { name: 'things', partitions: PARTITIONS }
const others = { name: 'others', partitions: 2 }

/** Numbers in a row that looks random and is the same each time. */
function dice(seed: number) {
  let state = seed
  return (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * below)
  }
}

describe('lag at constant cost', function () {
  this.timeout(60_000)
  let database: TestDatabase
  let db: Db
  let listener: Listener

  before(async () => {
    database = await freshDatabase()
    db = openDb(database.url, { indexed: true, max: 4 })
    listener = openListener(database.url)
  })
  after(async () => {
    await listener?.close()
    await db?.close()
    await database?.drop()
  })
  beforeEach(() => db.query('empty', 'truncate log.events, log.milestones, log.owners, log.checkpoints'))

  /** Appends so many events, each to the partition of some topic that the dice say. Times are as odd as positions. */
  async function append(events: number, seed: number) {
    await db.query(
      'fill',
      `insert into log.events (pos, topic, partition, key, stream, version, id, type, schema, time, data)
       select h.head + n, case when r.x < 0.8 then 'things' else 'others' end, (r.y * case when r.x < 0.8 then ${PARTITIONS} else 2 end)::int
              % case when r.x < 0.8 then ${PARTITIONS} else 2 end,
              'k', 'thing-' || h.head + n, 1, gen_random_uuid(), 'T', 1, 1000000 + (h.head + n) * 10, '{}'
         from (select coalesce(max(pos), 0) as head from log.events) h, generate_series(1, $1::int) n,
              lateral (select abs(hashint8extended(n, $2::bigint)) / 9223372036854775807.0 as x,
                              abs(hashint8extended(n, $2::bigint + 7)) / 9223372036854775807.0 as y) r`,
      [events, seed],
    )
  }
  /** Counts the log as its processes do. */
  async function count() {
    const owner = openOwner({ db, listener, service: 'test', everyMs: 20 })
    try {
      await eventually(async () => {
        const [row] = await db.query<{ left: number }>(
          'left',
          `select (select coalesce(max(pos), 0) from log.events) -
                  coalesce((select events from log.milestones where topic = ''), 0) as left`,
        )
        expect(row!.left).to.be.lessThan(1_000)
      })
    } finally {
      await owner.close()
    }
  }
  const real = async (topic: string, partition: number, after: number) => {
    const [row] = await db.query<{ events: number; since: number | null; head: number }>(
      'real',
      `select count(*) filter (where pos > $3) as events, min(time) filter (where pos > $3) as since, coalesce(max(pos), 0) as head
         from log.events where topic = $1 and partition = $2`,
      [topic, partition, after],
    )
    return row!
  }

  it('P10: equals a real count for any log, any checkpoints, any milestones, and a beginning that was pruned', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const die = dice(seed)
      await db.query('empty', 'truncate log.events, log.milestones, log.owners, log.checkpoints')
      await append(2_000 + die(12_000), seed)
      if (seed > 1) await count()
      await append(die(2_500), seed + 100)
      const removed = seed > 2 ? 1_000 + die(4_000) : 0
      // What was lost, as long as it can be counted.
      const lost = new Map<string, number>()
      const places = Array.from({ length: 12 }, (_, n) => ({
        topic: n % 2 ? others : things,
        after: new Map(Array.from({ length: PARTITIONS }, (_, partition) => [partition, n < 2 ? 0 : die(16_000)])),
      }))
      for (const { topic, after } of places)
        for (const [partition, pos] of after) {
          const [row] = await db.query<{ events: number }>(
            'gone',
            'select count(*) as events from log.events where topic = $1 and partition = $2 and pos > $3 and pos <= $4',
            [topic.name, partition, pos, removed],
          )
          lost.set(`${topic.name} ${partition} ${pos}`, row!.events)
        }
      await db.query('prune', 'delete from log.events where pos <= $1', [removed])

      const marks = await db.query<{ key: string }>(
        'marks',
        `select distinct topic || ' ' || partition as key from log.milestones where pos > $1`,
        [removed],
      )
      const counted = new Set(marks.map(({ key }) => key))
      const lags = await lagsOf(db, places)
      for (const [n, { topic, after }] of places.entries())
        for (const one of lags[n]!) {
          const pos = after.get(one.partition) ?? 0
          const what = `seed ${seed}, ${topic.name} ${one.partition} beyond ${pos}`
          const { events, since, head } = await real(topic.name, one.partition, pos)
          expect({ events: one.events, since: one.since, head: one.head }, what).to.deep.equal({ events, since, head })
          const gone = lost.get(`${topic.name} ${one.partition} ${pos}`)!
          // Never more than were lost. All of them where the place is the beginning, if the partition was ever counted.
          expect(one.lost, what).to.be.at.most(gone).and.at.least(0)
          if (pos === 0 && counted.has(`${topic.name} ${one.partition}`)) expect(one.lost, what).to.equal(gone)
          else expect(one.lost, what).to.be.greaterThan(gone - 1_000)
        }
      const reader = postgresReader(db, listener)
      const [totals] = await reader.lags([{ topic: things, after: new Map() }])
      for (const { partition, total } of totals!) {
        const { events } = await real('things', partition, 0)
        // What was there before the pruning counts as well, if it was counted in time.
        const before = counted.has(`things ${partition}`) ? lost.get(`things ${partition} 0`)! : 0
        expect(total).to.equal(events + before)
      }
      await reader.close()
    }
  })

  it('P10: the lag of the relay equals a real count as well', async () => {
    await append(5_000, 9)
    await count()
    await append(700, 10)
    await db.query('relayed', 'update log.relay set pos = $1', [1_234])
    const lags = await relayLag(db, [things, others], 99_999_999)
    for (const { topic, partition, events, seconds } of lags) {
      const { events: counted, since } = await real(topic, partition, 1_234)
      expect([events, seconds]).to.deep.equal([counted, (99_999_999 - since!) / 1_000])
    }
    await db.query('relayed', 'update log.relay set pos = $1', [0])
  })

  it('P10: touches as many pages however many events are behind', async () => {
    /** Pages of indexes and tables that a look of one who stands at the beginning touches. */
    const pagesTouched = async () => {
      let pages = 0
      const query: Db['query'] = async (_, text, values) => {
        const [row] = await db.connection(
          async (client) => (await client.query(`explain (analyze, format json) ${text}`, values)).rows,
        )
        const { Plan } = JSON.parse(row['QUERY PLAN'])[0]
        pages = Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks']
        return []
      }
      await lagsOf({ query }, [{ topic: things, after: new Map() }])
      return pages
    }
    const all = [0, 1, 2].map((partition) => ({ topic: 'things', partition }))
    await append(4_000, 20)
    await count()
    const few = await pagesTouched()
    await append(120_000, 21)
    await count()
    const [lags] = await lagsOf(db, [{ topic: things, after: new Map() }])
    for (const { topic, partition } of all) expect(lags![partition]!.events).to.equal((await real(topic, partition, 0)).events)
    expect(lags!.reduce((sum, { events }) => sum + events!, 0)).to.be.greaterThan(90_000)
    // Thirty times as many events; their own pages are more than three thousand.
    expect(few).to.be.greaterThan(50)
    expect(await pagesTouched()).to.be.lessThan(few * 3)
  })

  it('a log that grew old before anybody counted it is counted in steps, by one process at a time', async () => {
    await append(70_000, 30)
    const owners = [1, 2, 3].map(() => openOwner({ db, listener, service: `test ${randomUUID()}`, everyMs: 20 }))
    await eventually(async () => {
      const [row] = await db.query<{ upto: number }>('upto', `select events as upto from log.milestones where topic = ''`)
      expect(row?.upto).to.be.greaterThan(69_000)
    })
    await Promise.all(owners.map((owner) => owner.close()))
    const wrong = await db.query(
      'wrong',
      `select * from log.milestones m where topic <> '' and events <> (
         select count(*) from log.events e where e.topic = m.topic and e.partition = m.partition and e.pos <= m.pos)`,
    )
    expect(wrong).to.deep.equal([])
    const [made] = await db.query<{ n: number }>('made', `select count(*) as n from log.milestones where topic <> ''`)
    expect(made!.n).to.be.greaterThan(50)
  })
})
