import { expect } from 'chai'
import pg from 'pg'
import { type Answer, type Client, client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { openTunnel, type Tunnel } from '#test/kit/tunnel.ts'
import { type InProcess, startInProcess } from './routes/in-process.ts'

const VIDEO = 'dQw4w9WgXcQ'
const NOTES = `/v2/videos/${VIDEO}/notes`
/** Shorter than usual, so that nobody waits for the tests; still each of its own length. */
const BOUNDS = { connectMs: 1_000, lockMs: 400, statementMs: 1_000, answerMs: 2_000 }
/** A request takes a few statements, and may wait for the round before its own; the bounds as they are by default give 22 s. */
const BOUNDED_MS = 8_000
const SOON = { withinMs: 30_000, everyMs: 50 }

describe('a database that is there and not there', function () {
  this.timeout(60_000)
  let tunnel: Tunnel
  let api: InProcess
  let person: Client & { email: string; password: string }
  let other: pg.Client
  let database: string
  before(async () => {
    api = await startInProcess({
      bounds: BOUNDS,
      through: async (url) => {
        tunnel = await openTunnel(url)
        return tunnel.url
      },
    })
    person = await newUser(api.url)
    await take({ text: 'first' })
    other = new pg.Client({ connectionString: api.databaseUrl })
    await other.connect()
    database = pg.escapeIdentifier(new URL(api.databaseUrl).pathname.slice(1))
  })
  after(async () => {
    await other?.end()
    await api?.stop()
    tunnel?.close()
  })

  const take = (note: object, key: string = crypto.randomUUID()) =>
    person.call('POST', NOTES, { timestamp: '1:00', ...note }, { 'idempotency-key': key })
  const health = () => client(api.url).call('GET', '/health')
  const saidOf = (message: string) => api.lines.filter((line) => line.includes(`"msg":"${message}"`)).length

  /** As the API says that it cannot do something now. */
  const expectUnavailable = ({ status, body, headers }: Answer) => {
    expect(status, JSON.stringify(body)).to.equal(503)
    expect(body.error).to.include({ code: 'SERVICE_UNAVAILABLE', details: null })
    expect(body.error.message).to.include('same Idempotency-Key')
    expect(Number(headers.get('retry-after'))).to.be.greaterThan(0)
  }
  const bounded = async (ask: () => Promise<Answer>) => {
    const begun = performance.now()
    const answer = await ask()
    expect(performance.now() - begun).to.be.lessThan(BOUNDED_MS)
    return answer
  }
  /** A write that was answered 503 is made once, and by its repetition. */
  const expectMadeOnce = async (text: string, key: string) => {
    await eventually(async () => expect((await take({ text }, key)).status).to.equal(201), SOON)
    await eventually(async () => {
      const { body } = await person.call('GET', NOTES)
      expect(body.filter((note: { text: string }) => note.text === text)).to.have.length(1)
    }, SOON)
    await eventually(async () => expect(await health()).to.deep.include({ status: 200, body: { status: 'ok' } }), SOON)
  }
  /** Waits until no statement runs any more: what waited for a lock has got it, or was cancelled before. */
  const settled = () =>
    eventually(async () => {
      const { rows } = await other.query(
        `select query from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state = 'active'`,
      )
      expect(rows).to.deep.equal([])
    }, SOON)
  /** Waits until they have ended: a session that is still ending gives its slot back later, to anybody. */
  const endSessions = () =>
    other.query(
      'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )

  for (const [what, lock] of [
    ['the table of events', 'lock table log.events in access exclusive mode'],
    ['the lock that appends take', 'select pg_advisory_xact_lock(7001)'],
    ['the table of Idempotency-Keys', 'lock table log.idempotency_keys in share mode'],
  ] as const)
    it(`a write is answered 503 in bounded time while another session holds ${what}, and is not made later in silence`, async () => {
      await other.query('begin')
      await other.query(lock)
      try {
        expectUnavailable(await bounded(() => take({ text: what }, what)))
        expect(await health()).to.deep.include({
          status: 503,
          body: { status: 'unavailable', checks: { reads: 'ok', writes: 'locked by another session' } },
        })
        expect((await person.call('GET', NOTES)).status).to.equal(200)
      } finally {
        await other.query('rollback')
      }
      await settled()
      const { rows } = await other.query(`select from log.events where data->>'text' = $1`, [what])
      expect(rows, 'it was cancelled').to.deep.equal([])
      await expectMadeOnce(what, what)
    })

  it('reads and logins are answered 503 while what they need is locked', async () => {
    await other.query('begin')
    await other.query('lock table views.notes, log.credentials in access exclusive mode')
    try {
      expectUnavailable(await bounded(() => person.call('GET', NOTES)))
      const { email, password } = person
      expectUnavailable(await bounded(() => client(api.url).call('POST', '/v2/auth/login', { email, password })))
    } finally {
      await other.query('rollback')
    }
  })

  it('a read-only database takes no writes, and is read; all goes on by itself when it is writable again', async () => {
    await other.query(`alter database ${database} set default_transaction_read_only = on`)
    await endSessions()
    try {
      await eventually(async () =>
        expect((await take({ text: 'read-only' }, 'read-only')).body.error.code).to.equal('SERVICE_UNAVAILABLE'),
      )
      expectUnavailable(await take({ text: 'read-only' }, 'read-only'))
      expect((await person.call('GET', NOTES)).status).to.equal(200)
      expect((await health()).body).to.deep.equal({ status: 'unavailable', checks: { reads: 'ok', writes: 'read-only' } })
    } finally {
      await other.query(
        `begin; set local transaction_read_only = off; alter database ${database} reset default_transaction_read_only; commit`,
      )
    }
    // Nobody ends the sessions that began meanwhile.
    await expectMadeOnce('read-only', 'read-only')
    // As many at once as there are connections, so that each of them has to write.
    const write = () => api.db.query('t.write', `select nextval('log.note_ids')`)
    await eventually(() => Promise.all(Array.from({ length: 10 }, write)), SOON)
    expect(saidOf('the database takes writes again')).to.be.greaterThan(0)
  })

  it('a database that lets nobody in is answered 503', async () => {
    const admin = new pg.Client({ connectionString: new URL('/postgres', api.databaseUrl).href })
    await admin.connect()
    await admin.query(`alter database ${database} allow_connections false`)
    await endSessions()
    try {
      await eventually(async () => expectUnavailable(await bounded(() => person.call('GET', NOTES))), SOON)
      expectUnavailable(await bounded(() => take({ text: 'full' }, 'full')))
      await eventually(async () => expect((await health()).status).to.equal(503), SOON)
    } finally {
      await admin.query(`alter database ${database} allow_connections true`)
      await admin.end()
    }
    await expectMadeOnce('full', 'full')
  })

  it('a database without a connection slot left is answered 503, and health says so until there is one', async function () {
    // A pooler has slots of its own, and lets who comes wait for one.
    if (process.env.VIDWIZ_TEST_POOLER) this.skip()
    const taken: pg.Client[] = []
    const takeAll = async () => {
      for (;;) {
        const one = new pg.Client({ connectionString: new URL('/postgres', api.databaseUrl).href })
        one.on('error', () => {})
        try {
          await one.connect()
        } catch (error) {
          expect((error as { code?: string }).code).to.equal('53300')
          return
        }
        taken.push(one)
      }
    }
    let tries = 0
    try {
      // Any session that ends, of any database of this Postgres, frees a slot that the API may get: then it is tried again.
      await eventually(async () => {
        await takeAll()
        await endSessions()
        await takeAll()
        expectUnavailable(await bounded(() => person.call('GET', NOTES)))
        expect((await bounded(health)).body).to.deep.equal({
          status: 'unavailable',
          checks: { reads: 'out of connections', writes: 'out of connections' },
        })
        tries++
        expectUnavailable(await bounded(() => take({ text: `no slot ${tries}` }, `no slot ${tries}`)))
      }, SOON)
    } finally {
      await Promise.all(taken.map((one) => one.end()))
    }
    await expectMadeOnce(`no slot ${tries}`, `no slot ${tries}`)
  })

  it('a database that answers nothing any more is answered 503; its loss and its return are one line each', async () => {
    const [lost, back] = [saidOf('lost the database'), saidOf('the database is back')]
    tunnel.hold()
    try {
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, n) => bounded(() => take({ text: 'silent' }, `silent ${n}`))),
      )
      for (const answer of answers) expectUnavailable(answer)
      expectUnavailable(await bounded(() => person.call('GET', NOTES)))
      const checks = (await bounded(health)).body.checks
      expect(checks.reads).to.not.equal('ok')
      expect(checks.writes).to.not.equal('ok')
    } finally {
      tunnel.pass()
    }
    for (let n = 0; n < 30; n++)
      await eventually(async () => expect((await take({ text: 'silent' }, `silent ${n}`)).status).to.equal(201), SOON)
    const { body } = await person.call('GET', NOTES)
    expect(body.filter((note: { text: string }) => note.text === 'silent')).to.have.length(30)
    expect(saidOf('lost the database')).to.equal(lost + 1)
    expect(saidOf('the database is back')).to.equal(back + 1)
  })

  it('no answer was 500', () => {
    expect(api.lines.filter((line) => line.includes('"status":500'))).to.deep.equal([])
  })
})
