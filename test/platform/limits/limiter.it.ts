import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type Logger, pino } from 'pino'
import { type Counts, type Exchange, sharedCounts } from '#platform/limits/counts.ts'
import { failureLimiter, LimitExceeded, limiter } from '#platform/limits/limiter.ts'
import { countInPostgres } from '#platform/limits/postgres.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** However busy the machine is: most of these tests are not about that. */
const UNHURRIED_MS = 15_000

describe('a limit', () => {
  let database: TestDatabase
  let dbs: Db[]
  const opened: Counts[] = []
  let lines: { level: number; msg: string }[]
  const log: Logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) })

  before(async () => {
    database = await freshDatabase()
    dbs = Array.from({ length: 4 }, () => openDb(database.url, { max: 2, indexed: true }))
  })
  after(async () => {
    await Promise.all(dbs.map((db) => db.close()))
    await database.drop()
  })
  beforeEach(() => {
    lines = []
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((counts) => counts.close()))
  })

  const counting = (exchange: Exchange, patienceMs?: number): Counts => {
    const counts = sharedCounts({ exchange, log, patienceMs })
    opened.push(counts)
    return counts
  }
  /** Each as if in a process of its own. */
  const processes = (options: { name: string; limit: number; windowMs?: number; isExact: boolean }) =>
    dbs.map((db) => limiter({ windowMs: DAY_MS, ...options, counts: counting(countInPostgres(db), UNHURRIED_MS) }))

  const isAdmitted = (counted: Promise<void>) =>
    counted.then(
      () => true,
      (error) => {
        if (error instanceof LimitExceeded) return false
        throw error
      },
    )
  const admitted = async (all: Promise<void>[]) => (await Promise.all(all.map(isAdmitted))).filter(Boolean).length

  it('that is exact lets through just as many as it says, however many processes are asked at once', async () => {
    for (let round = 0; round < 5; round++) {
      const limiters = processes({ name: `exact ${round}`, limit: 100, isExact: true })
      expect(await admitted(limiters.flatMap((count) => Array.from({ length: 50 }, () => count('bob'))))).to.equal(100)
    }
  })

  it('that is not exact holds across processes but for what came within a moment', async () => {
    const [first, second] = processes({ name: 'general', limit: 100, isExact: false })
    expect(await admitted(Array.from({ length: 150 }, () => first!('bob')))).to.equal(100)
    let inBetween = 0
    // What the first one counted is known to nobody else at once, and to everybody soon.
    await eventually(async () => {
      if (await isAdmitted(second!('bob'))) throw new Error(`${++inBetween} were let through`)
    })
    expect(inBetween, 'never more than the limit itself').to.be.at.most(100)
    expect(await isAdmitted(second!('ann')), 'others are let through').to.equal(true)
  })

  it('asks the database for many at once, and not for who is refused anyway', async () => {
    let asked = 0
    const counts = counting(async (batch) => {
      asked++
      return countInPostgres(dbs[0]!)(batch)
    })
    const general = limiter({ name: 'often', limit: 1000, windowMs: MINUTE_MS, counts, isExact: false })
    await admitted(Array.from({ length: 500 }, (_, n) => general(`user ${n % 50}`)))
    await eventually(() => expect(asked).to.equal(1))
    const strict = limiter({ name: 'seldom', limit: 1, windowMs: MINUTE_MS, counts, isExact: true })
    expect(await admitted([strict('bob'), strict('bob')])).to.equal(1)
    const before = asked
    expect(await admitted(Array.from({ length: 500 }, () => strict('bob')))).to.equal(0)
    expect(asked).to.equal(before)
  })

  it('says how long it will last, and ends then', async () => {
    const [first, second] = processes({ name: 'short', limit: 2, windowMs: 1500, isExact: true })
    await first!('bob')
    await second!('bob')
    const refused = await second!('bob').catch((error) => error)
    expect(refused).to.be.instanceOf(LimitExceeded)
    expect(refused.resetInSeconds).to.be.within(1, 2)
    await sleep(refused.resetInSeconds * 1000)
    expect(await isAdmitted(first!('bob'))).to.equal(true)
  })

  it('on what goes wrong leaves alone who does it right, as often and as many at once as they like', async () => {
    const options = { name: 'guesses', limit: 5, windowMs: MINUTE_MS }
    const [first, second] = dbs.map((db) => failureLimiter({ ...options, counts: counting(countInPostgres(db), UNHURRIED_MS) }))
    expect(await admitted(Array.from({ length: 100 }, () => first!.admit('bob')))).to.equal(100)
    for (let n = 0; n < 5; n++) {
      await second!.admit('bob')
      second!.failed('bob')
    }
    expect(await admitted([second!.admit('bob'), second!.admit('ann')]), 'at once here').to.equal(1)
    await eventually(async () => expect(await isAdmitted(first!.admit('bob')), 'and elsewhere').to.equal(false))
  })

  it('holds in each process for itself while the database is out of reach, which is said once', async () => {
    let isDown = true
    const counts = counting(async (batch) => {
      if (isDown) throw new Error('out of reach')
      return countInPostgres(dbs[0]!)(batch)
    })
    const strict = limiter({ name: 'down', limit: 3, windowMs: MINUTE_MS, counts, isExact: true })
    expect(await admitted(Array.from({ length: 10 }, () => strict('bob')))).to.equal(3)
    for (let n = 0; n < 10; n++) await strict(`somebody ${n}`)
    expect(lines.map(({ msg }) => msg)).to.deep.equal(['rate limits cannot be shared: each process counts for itself'])
    isDown = false
    await eventually(async () => {
      await strict(`somebody ${lines.length}`).catch(() => {})
      expect(lines.map(({ msg }) => msg).slice(1)).to.deep.equal(['rate limits are shared again'])
    })
  })

  it('waits for a database that hangs no longer than a moment', async () => {
    const strict = limiter({
      name: 'hanging',
      limit: 3,
      windowMs: MINUTE_MS,
      counts: counting(() => new Promise(() => {})),
      isExact: true,
    })
    const began = performance.now()
    expect(await admitted(Array.from({ length: 5 }, () => strict('bob')))).to.equal(3)
    expect(performance.now() - began).to.be.lessThan(10_000)
  })

  it('never has processes wait for each other in a circle', async () => {
    const counted = dbs.map((db) => counting(countInPostgres(db)))
    const keys = Array.from({ length: 300 }, (_, n) => `key ${n}`)
    for (let round = 0; round < 10; round++)
      await Promise.all(
        counted.flatMap((counts, n) => (n % 2 ? keys : keys.toReversed()).map((key) => counts.addShared(key, MINUTE_MS))),
      )
    expect(lines).to.deep.equal([])
    expect(counted[0]!.known('key 7')?.total).to.be.within(37, 40)
  })

  it('leaves nothing behind in the database for long', async () => {
    const over = `insert into limits.counts select 'over ' || n, 1, now() - interval '2 minutes' from generate_series(1, 100) n`
    await dbs[0]!.query('t.over', over)
    await counting(countInPostgres(dbs[1]!)).addShared('now', MINUTE_MS)
    await eventually(async () =>
      expect(await dbs[0]!.query('t.left', `select key from limits.counts where key like 'over %'`)).to.deep.equal([]),
    )
  })
})
