import { request as httpRequest, type IncomingMessage } from 'node:http'
import { expect } from 'chai'
import type { Db } from '#platform/pg/pool.ts'
import type { Look } from '#services/operations/look.ts'
import { eventually } from '#test/kit/eventually.ts'
import { OPS_PASSWORD, type Ops, type OpsOptions, startOps, VIEWER } from '#test/kit/ops.ts'

const EVERY_MS = 50

/** Counts the statements that go through. */
function counting(db: Db): Db & { statements: number } {
  const counted = {
    ...db,
    statements: 0,
    query: ((...args: Parameters<Db['query']>) => {
      counted.statements++
      return db.query(...args)
    }) as Db['query'],
  }
  return counted
}

let looks = 0
/** Of a part of the look. */
let padding = ''

/** A look that asks one statement. */
async function look(db: Db): Promise<Look> {
  await db.query('test.look', 'select 1 as one')
  const cell = { problem: padding }
  return {
    at: ++looks,
    verdict: 'all is well, 0 behind',
    isWell: true,
    log: 'embedded',
    head: 0,
    consumers: cell,
    queues: cell,
    breaker: cell,
    tasks: cell,
    requests: cell,
    replays: cell,
  }
}

interface Listening {
  status: number
  /** What came so far. */
  text(): string
  ids(): number[]
  ended: Promise<void>
  isEnded(): boolean
  response: IncomingMessage
  leave(): void
}

const listen = (ops: Ops, headers: Record<string, string> = { authorization: `Bearer ${VIEWER}` }): Promise<Listening> =>
  new Promise((resolve, reject) => {
    const sent = httpRequest(`${ops.url}/api/live`, { headers, agent: false }, (response) => {
      let text = ''
      let isEnded = false
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      const ended = new Promise<void>((done) => {
        response.on('close', () => {
          isEnded = true
          done()
        })
      })
      response.on('error', () => {})
      resolve({
        status: response.statusCode!,
        text: () => text,
        ids: () => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)),
        ended,
        isEnded: () => isEnded,
        response,
        leave: () => sent.destroy(),
      })
    })
    sent.on('error', reject)
    sent.end()
  })

const some = (count: number, ops: Ops) => Promise.all(Array.from({ length: count }, () => listen(ops)))

describe('the live look', function () {
  this.timeout(30_000)
  let ops: Ops
  let db: ReturnType<typeof counting>
  const open = (options: OpsOptions = {}) =>
    startOps({
      look,
      everyMs: EVERY_MS,
      isProjecting: false,
      through: (own) => {
        db = counting(own)
        return db
      },
      ...options,
    })
  before(async () => {
    ops = await open()
  })
  after(() => ops.stop())
  const nobodyWatches = () => eventually(() => expect(ops.sampler.subscribers()).to.equal(0))

  /** Looks per second while so many watch: each is one statement, whatever their number. */
  async function cost(watchers: number) {
    const streams = await some(watchers, ops)
    await eventually(() => expect(streams.every((one) => one.ids().length > 0)).to.equal(true))
    const [statements, seen, at] = [db.statements, looks, performance.now()]
    await eventually(() => expect(looks - seen).to.be.greaterThan(9))
    // One look may be under way at either end.
    expect(db.statements - statements).to.be.within(looks - seen - 1, looks - seen + 1)
    const perSecond = (looks - seen) / ((performance.now() - at) / 1000)
    for (const one of streams) one.leave()
    await nobodyWatches()
    return perSecond
  }

  it('costs the database for fifty who watch what it costs for one, and nothing when nobody does', async () => {
    const [one, fifty] = [await cost(1), await cost(50)]
    for (const perSecond of [one, fifty]) expect(perSecond).to.be.at.most(1_100 / EVERY_MS)
    const before = db.statements
    await new Promise((resolve) => setTimeout(resolve, 4 * EVERY_MS))
    expect(db.statements).to.equal(before)
  })

  it('costs so with the look that people see, too', async () => {
    const real = await open({ look: undefined })
    try {
      /** Statements per look that reached who watches. */
      const perLook = async (watchers: number) => {
        const streams = await some(watchers, real)
        const seen = () => Math.max(...streams.map((one) => one.ids().length))
        await eventually(() => expect(streams.every((one) => one.ids().length > 0)).to.equal(true))
        const [statements, before] = [db.statements, seen()]
        await eventually(() => expect(seen() - before).to.be.greaterThan(9))
        const per = (db.statements - statements) / (seen() - before)
        for (const one of streams) one.leave()
        await eventually(() => expect(real.sampler.subscribers()).to.equal(0))
        return per
      }
      const one = await perLook(1)
      expect(one).to.be.greaterThan(1)
      // One look may be under way at either end.
      expect(await perLook(50)).to.be.within(one * 0.8, one * 1.2)
    } finally {
      await real.stop()
    }
  })

  it('says how soon to come again, and names each look', async () => {
    const one = await listen(ops)
    await eventually(() => expect(one.ids()).to.have.length.greaterThan(2))
    expect(one.text()).to.match(/^retry: \d{4}\n\nid: \d+\nevent: look\ndata: \{"at":\d+,/)
    expect(one.ids()).to.deep.equal(one.ids().toSorted((a, b) => a - b))
    one.leave()
    await nobodyWatches()
  })

  it('skips what a slow reader missed, and holds nobody else up for it', async () => {
    padding = 'x'.repeat(100_000)
    const [slow, quick] = (await some(2, ops)) as [Listening, Listening]
    slow.response.pause()
    const from = looks
    await eventually(() => expect(quick.ids().at(-1)).to.be.greaterThan(from + 60))
    slow.response.resume()
    await eventually(() => expect(slow.ids().at(-1)).to.be.greaterThan(from + 60))
    expect(slow.ids().length, 'far fewer than there were').to.be.lessThan(quick.ids().length - 10)
    for (const one of [slow, quick]) one.leave()
    padding = ''
    await nobodyWatches()
  })

  it('ends with the session of who watches', async () => {
    const begun = await ops.nobody.post('/api/session', { secret: OPS_PASSWORD })
    const cookie = begun.headers.get('set-cookie')!.split(';')[0]!
    const own = { cookie, 'sec-fetch-site': 'same-origin' }
    const one = await listen(ops, own)
    await eventually(() => expect(one.ids()).to.not.have.lengthOf(0))
    expect((await ops.nobody.post('/api/session/end', {}, own)).status).to.equal(204)
    await one.ended
    expect((await listen(ops, own)).status).to.equal(401)
    await nobodyWatches()
  })

  it('is refused to who has too many open, and to nobody else', async () => {
    const streams = await some(128, ops)
    expect((await listen(ops)).status).to.equal(429)
    const other = await ops.operator.get('/api/look')
    expect(other.status).to.equal(200)
    streams[0]!.leave()
    await eventually(async () => {
      const again = await listen(ops)
      streams.push(again)
      expect(again.status).to.equal(200)
    })
    for (const one of streams) one.leave()
    await nobodyWatches()
    expect(await ops.metrics.read()).to.match(/^vidwiz_ops_streams 0$/m)
  })

  it('goes on when a look fails', async () => {
    let isBroken = true
    const other = await open({
      look: async (db) => {
        if (isBroken) throw new Error('a look that failed')
        return look(db)
      },
    })
    try {
      const one = await listen(other)
      await new Promise((resolve) => setTimeout(resolve, 3 * EVERY_MS))
      expect(one.isEnded()).to.equal(false)
      isBroken = false
      await eventually(() => expect(one.ids()).to.not.have.lengthOf(0))
      one.leave()
    } finally {
      await other.stop()
    }
  })

  it('ends cleanly when the server stops, and an EventSource finds the next one', async () => {
    const first = await open()
    const streams = await some(5, first)
    await eventually(() => expect(streams.every((one) => one.ids().length > 0)).to.equal(true))
    const began = performance.now()
    await first.stop()
    expect(performance.now() - began).to.be.lessThan(1_500)
    await Promise.all(streams.map((one) => one.ended))
    // A whole frame is the last thing that came.
    for (const one of streams) expect(one.text().endsWith('\n\n')).to.equal(true)
    const again = await open({ port: first.port })
    try {
      const one = await listen(again)
      await eventually(() => expect(one.ids()).to.not.have.lengthOf(0))
      one.leave()
    } finally {
      await again.stop()
    }
  })
})
