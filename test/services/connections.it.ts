import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { client, newUser } from '#test/kit/client.ts'
import { DATABASE_SETTINGS } from '#test/kit/database-settings.ts'
import { freePort } from '#test/kit/free-port.ts'
import { pgbouncer } from '#test/kit/pgbouncer.ts'
import { administer, emptyDatabase, freshDatabase, type NewDatabase, type TestDatabase } from '#test/kit/postgres.ts'
import { vidwiz } from '#test/kit/run.ts'
import { speakTls, type Tls } from '#test/kit/tls.ts'
import { startInProcess } from './api/routes/in-process.ts'

describe('a database with defaults of its own', function () {
  this.timeout(60_000)

  for (const isolation of ['repeatable read', 'serializable'])
    it(`takes notes through two APIs and shows them when it is ${isolation} and strange in all else`, async () => {
      const database = await freshDatabase()
      const strange = [...DATABASE_SETTINGS, ['default_transaction_isolation', `'${isolation}'`] as const].map(
        ([setting, value]) => `alter database ${database.name} set ${setting} = ${value}`,
      )
      await administer(database.url, ['create schema elsewhere', ...strange].join(';'))
      await database.renewSessions()
      await passes(database)
    })
})

describe('a system that reaches its database', function () {
  this.timeout(60_000)

  it('through a pooler in session mode takes notes and shows them', async function () {
    const database = await freshDatabase()
    const pooler = await pgbouncer(this, database.url, { mode: 'session' })
    await passes({ ...database, url: pooler.through(database.url) })
    await pooler.stop()
  })

  it('through the socket of one of several servers takes notes and shows them', async () => {
    const database = await freshDatabase()
    const folder = mkdtempSync(join(tmpdir(), 'vidwiz-socket-'))
    const { username, password, port } = new URL(database.url)
    const server = createServer((client) => {
      const postgres = connect(Number(port), '127.0.0.1')
      client.pipe(postgres).pipe(client)
      for (const one of [client, postgres]) one.on('error', () => {})
    }).listen(join(folder, '.s.PGSQL.5432'))
    await once(server, 'listening')
    const url = `postgres://${username}:${password}@/${database.name}?host=/nowhere,${folder}&sslmode=require`
    await passes({ ...database, url })
    server.close()
    rmSync(folder, { recursive: true })
  })

  it('through the second of several servers takes notes and shows them', async () => {
    const database = await freshDatabase()
    const { host } = new URL(database.url)
    await passes({ ...database, url: database.url.replace(host, `127.0.0.1:${await freePort()},${host}`) })
  })

  describe('with TLS', () => {
    let tls: Tls
    let beside: NewDatabase
    let database: NewDatabase
    before(async () => {
      beside = await emptyDatabase()
      tls = await speakTls(beside.direct)
    })
    beforeEach(async () => {
      database = await freshDatabase()
    })
    after(async () => {
      await tls.stop()
      await beside.drop()
    })

    it('and a certificate that nobody knows takes notes and shows them', () =>
      passes({ ...database, url: `${database.direct}?sslmode=require` }))

    it('and a certificate that is checked with its name takes notes and shows them', () =>
      passes({
        ...database,
        url: `${database.direct.replace('127.0.0.1', 'localhost')}?sslmode=verify-full&sslrootcert=${tls.root}`,
      }))
  })
})

describe('a system that cannot use its database as it is', function () {
  this.timeout(120_000)

  /** Every command that opens the database ends with one line that tells why, whatever it was to do. */
  const refuses = async (url: string, why: RegExp, commands = [['setup'], ['run', 'projector'], ['run', 'api']]) => {
    const data = mkdtempSync(join(tmpdir(), 'vidwiz-refused-'))
    const run = (args: string[]) => vidwiz(args, { DB_URL: url, VIDWIZ_DATA: data, PORT: '0' }).finished
    for (const [i, { code, stderr }] of (await Promise.all(commands.map(run))).entries()) {
      const what = `${commands[i]!.join(' ')}: ${stderr}`
      expect(code, what).to.equal(1)
      expect(stderr.trimEnd(), what).to.match(why).and.not.contain('\n')
    }
    rmSync(data, { recursive: true })
  }

  for (const mode of ['transaction', 'statement'] as const)
    it(`refuses to start or to be set up through a pooler in ${mode} mode, in one line`, async function () {
      const database = await freshDatabase()
      const pooler = await pgbouncer(this, database.url, { mode })
      const why = /DB_URL leads to a pooler that hands out connections by transaction/
      await refuses(pooler.through(database.url), why, [['setup'], ['run', 'projector'], ['lag']])
      await pooler.stop()
      await database.drop()
    })

  it('refuses a database that cannot hold all texts, in one line', async () => {
    const database = await emptyDatabase({ encoding: 'LATIN1' })
    await refuses(database.url, /the database has the encoding LATIN1.*encoding 'UTF8'/)
    await database.drop()
  })

  /** A role of its own, and the URL of the database for it. */
  const roleOf = async (database: NewDatabase, options: string) => {
    const role = `${database.name}_role`
    await administer(database.direct, `create role ${role} login password 'a password' ${options}`)
    const url = Object.assign(new URL(database.url), { username: role, password: 'a%20password' }).href
    return { role, url, drop: () => administer(database.direct, `drop role ${role}`) }
  }

  it('refuses a user that may read and not write, in one line', async () => {
    const database = await freshDatabase()
    const { role, url, drop } = await roleOf(database, 'in role pg_read_all_data')
    await refuses(url, new RegExp(`the user ${role} of DB_URL may not write to the tables`), [
      ['run', 'projector'],
      ['run', 'api'],
    ])
    await drop()
    await database.drop()
  })

  it('refuses a user that may do nothing, in one line', async () => {
    const database = await freshDatabase()
    const { url, drop } = await roleOf(database, '')
    await refuses(url, /permission denied/)
    await drop()
    await database.drop()
  })

  it('refuses a user for whom everything is read-only, in one line', async () => {
    const database = await freshDatabase()
    const { role, url, drop } = await roleOf(database, 'superuser')
    await administer(database.direct, `alter role ${role} set default_transaction_read_only = on`)
    await refuses(url, new RegExp(`the database is read-only for the user ${role} of DB_URL`), [
      ['run', 'projector'],
      ['run', 'api'],
    ])
    await drop()
    await database.drop()
  })
})

const NOTES = 16

/** Two APIs and a projector on a database: notes go in by both, and come out of the views. Removes the database. */
async function passes(database: TestDatabase) {
  const one = await startInProcess({ database })
  const two = await startInProcess({ beside: one })
  try {
    const { token } = await newUser(one.url)
    const notes = '/v2/videos/dQw4w9WgXcQ/notes'
    const answers = await Promise.all(
      Array.from({ length: NOTES }, (_, i) =>
        client((i % 2 ? one : two).url, token).call('POST', notes, {
          timestamp: '00:01',
          video_title: 'A video',
          text: `Größe ${i} \\n`,
        }),
      ),
    )
    expect(answers.map(({ status, body }) => (status === 201 ? status : body))).to.deep.equal(Array(NOTES).fill(201))
    const shown = await client(two.url, token).call('GET', notes)
    expect(shown.body).to.have.lengthOf(NOTES)
    expect(await one.db.query('t.parked', 'select from log.dead_letters')).to.have.lengthOf(0)
  } finally {
    await two.stop()
    await one.stop()
  }
}
