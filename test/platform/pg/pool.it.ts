import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect } from 'chai'
import { openDb } from '#platform/pg/pool.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'

const ERROR = 'E'
const READY_FOR_QUERY = 'Z'

/**
 * Hands over what a server says, message by message, but keeps back that it is ready again after an error: `held` comes true,
 * until `letGo`.
 */
function holdingBack(server: Socket, client: Socket) {
  const kept: Buffer[] = []
  let unread = Buffer.alloc(0)
  let hasFailed = false
  let isHolding = true
  server.on('data', (chunk) => {
    unread = Buffer.concat([unread, chunk])
    while (unread.length >= 5 && unread.length > unread.readInt32BE(1)) {
      const message = unread.subarray(0, 1 + unread.readInt32BE(1))
      unread = unread.subarray(message.length)
      const type = message.toString('latin1', 0, 1)
      hasFailed ||= type === ERROR
      if (type === READY_FOR_QUERY && hasFailed && isHolding) kept.push(message)
      else client.write(message)
    }
  })
  return {
    held: () => kept.length > 0,
    letGo() {
      isHolding = false
      client.write(Buffer.concat(kept))
    },
  }
}

describe('a pool of connections', () => {
  let database: TestDatabase
  before(async () => {
    database = await freshDatabase()
  })
  after(() => database.drop())

  it('tells of an error only when the server has ended the transaction, and with it all locks', async () => {
    const { hostname, port } = new URL(database.url)
    // Before a pooler, more than one connection is made.
    const links: ReturnType<typeof holdingBack>[] = []
    const proxy = createServer({ noDelay: true }, (client) => {
      const server = connect(Number(port), hostname)
      client.pipe(server)
      links.push(holdingBack(server, client))
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const url = new URL(database.url)
    url.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const db = openDb(url.href)

    let isTold = false
    const error = db.query('t.fail', 'select 1 / 0').catch((error) => {
      isTold = true
      return error
    })
    await eventually(() => expect(links.some((link) => link.held())).to.equal(true))
    // Long enough for the error to have come through.
    const other = openDb(database.url)
    for (let trip = 0; trip < 20; trip++) await other.query('t.trip', 'select')
    expect(isTold).to.equal(false)
    for (const link of links) link.letGo()
    expect((await error).message).to.equal('division by zero')
    await Promise.all([db.close(), other.close()])
    proxy.close()
  })

  it('outlives connections that the server ends at any moment, also while they pass from hand to hand', async function () {
    this.timeout(120_000)
    const db = openDb(database.url, { max: 2 })
    const other = openDb(database.url, { max: 1 })
    let isWorking = true
    let answered = 0
    const work = async () => {
      while (isWorking)
        await db.query('t.work', 'select').then(
          () => answered++,
          () => {},
        )
    }
    const working = Array.from({ length: 20 }, work)
    // What nobody listens to would end the process; mocha takes it for a failure of this test.
    for (let kills = 0; kills < 500; kills++) {
      await other.query(
        't.kill',
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      )
      const before = answered
      await eventually(() => expect(answered).to.be.greaterThan(before), { everyMs: 1 })
    }
    isWorking = false
    await Promise.all(working)
    await Promise.all([db.close(), other.close()])
  })
})
