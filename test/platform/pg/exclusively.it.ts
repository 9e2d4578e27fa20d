import { expect } from 'chai'
import { openExclusively, StillTaken } from '#platform/pg/exclusively.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'

describe('what is done exclusively', () => {
  let database: TestDatabase
  const open: ReturnType<typeof openExclusively>[] = []
  /** As another process has it. */
  const another = (waitMs?: number) => {
    const one = openExclusively(database.url, { name: 'test', ...(waitMs !== undefined && { waitMs }) })
    open.push(one)
    return one.exclusively
  }
  before(async function () {
    this.timeout(60_000)
    database = await freshDatabase()
  })
  afterEach(() => Promise.all(open.splice(0).map((one) => one.close())))
  after(() => database?.drop())

  const tick = () => new Promise((resolve) => setImmediate(resolve))

  it('is done by one after the other, in whatever process, and answers what the work answers', async () => {
    const processes = [another(), another(), another()]
    let running = 0
    let most = 0
    const work = (n: number) => async () => {
      most = Math.max(most, ++running)
      for (let i = 0; i < 3; i++) await tick()
      running--
      return n
    }
    const jobs = Array.from({ length: 60 }, (_, n) => processes[n % 3]!('a name', work(n)))
    expect(await Promise.all(jobs)).to.deep.equal(jobs.map((_, n) => n))
    expect(most).to.equal(1)
  })

  it('does not wait for what is done under another name, however many wait for one', async () => {
    const exclusively = another()
    const { promise, resolve } = Promise.withResolvers<string>()
    const held = Array.from({ length: 20 }, () => exclusively('held', () => promise))
    expect(await exclusively('free', async () => 'done')).to.equal('done')
    resolve('let go')
    expect(await Promise.all(held)).to.deep.equal(held.map(() => 'let go'))
  })

  it('is free again when the work fails', async () => {
    const [one, other] = [another(), another()]
    const failed = await one('a name', () => Promise.reject(new Error('on purpose'))).catch((error) => error.message)
    expect(failed).to.equal('on purpose')
    expect(await other('a name', async () => 'done')).to.equal('done')
  })

  it('is refused to who waited too long, before anything is done', async () => {
    const [one, impatient] = [another(), another(50)]
    const { promise, resolve } = Promise.withResolvers<void>()
    let isBegun = false
    const begun = Promise.withResolvers<void>()
    const held = one('a name', () => {
      begun.resolve()
      return promise
    })
    await begun.promise
    const refused = await impatient('a name', async () => {
      isBegun = true
    }).catch((error) => error)
    expect([refused instanceof StillTaken, isBegun]).to.deep.equal([true, false])
    resolve()
    await held
  })
})
