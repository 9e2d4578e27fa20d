import { expect } from 'chai'
import pg from 'pg'
import { openListener } from '#platform/pg/listen.ts'
import { openDb } from '#platform/pg/pool.ts'
import { reach } from '#platform/pg/where.ts'
import { DATABASE_SETTINGS } from '#test/kit/database-settings.ts'
import { eventually } from '#test/kit/eventually.ts'
import { administer, emptyDatabase, freshDatabase, type NewDatabase, type TestDatabase } from '#test/kit/postgres.ts'

/** What a session of ours sees of its settings. */
async function settings(database: TestDatabase): Promise<Map<string, string>> {
  const db = openDb(database.url, { max: 1 })
  try {
    // Some only tune, and are left to who runs the server.
    const rows = await db.query<{ name: string; setting: string }>('t.settings', 'select name, setting from pg_settings')
    return new Map(rows.map(({ name, setting }) => [name, setting]))
  } finally {
    await db.close()
  }
}

describe('a connection', () => {
  let plain: NewDatabase
  let database: NewDatabase
  let usual: Map<string, string>
  before(async () => {
    plain = await emptyDatabase()
    database = await emptyDatabase()
    usual = await settings(plain)
  })
  after(async () => {
    await database.drop()
    await plain.drop()
  })

  afterEach(async () => {
    await administer(plain.url, `alter database ${database.name} reset all`)
    await database.renewSessions()
  })

  const differing = async (database: TestDatabase) =>
    [...(await settings(database))].filter(([name, setting]) => usual.get(name) !== setting).map(([name]) => name)

  for (const [setting, value] of DATABASE_SETTINGS)
    it(`behaves as ever in a database with ${setting} = ${value}`, async () => {
      await administer(plain.url, `alter database ${database.name} set ${setting} = ${value}`)
      await database.renewSessions()
      // What another program sees: the setting is there and would hold.
      const other = new pg.Client({ connectionString: database.url, client_encoding: 'UTF8' })
      await other.connect()
      const { rows } = await other.query(`select source, context from pg_settings where lower(name) = lower('${setting}')`)
      await other.end()
      // What a client asks for, a pooler sets for it in the session.
      expect(rows[0].source, 'the source of the setting').to.be.oneOf(['database', 'client', 'session'])
      expect(await differing(database)).to.deep.equal([])
    })

  it('behaves as ever for a role with settings of its own', async () => {
    const database = await emptyDatabase()
    const role = `${database.name}_role`
    await administer(database.url, `create role ${role} login superuser password 'a password'`)
    for (const [setting, value] of DATABASE_SETTINGS)
      await administer(database.url, `alter role ${role} set ${setting} = ${value}`)
    const url = new URL(database.url)
    Object.assign(url, { username: role, password: 'a%20password' })
    const superuser = ['session_authorization', 'is_superuser']
    expect((await differing({ ...database, url: url.href })).filter((name) => !superuser.includes(name))).to.deep.equal([])
    await database.drop()
    await administer(plain.url, `drop role ${role}`)
  })

  it('is pinned where a statement may take no longer than a millisecond', async () => {
    await administer(plain.url, `alter database ${database.name} set statement_timeout = '1ms'`)
    await database.renewSessions()
    for (let i = 0; i < 20; i++) {
      const db = openDb(database.url, { max: 1 })
      const [row] = await db.query('t.timeout', `select current_setting('statement_timeout') as timeout from pg_sleep(0.01)`)
      expect(row).to.deep.equal({ timeout: '0' })
      await db.close()
    }
  })

  it('names a setting that its user may not change, and who may', async () => {
    const database = await emptyDatabase()
    const role = `${database.name}_role`
    await administer(database.url, `create role ${role} login password 'a password'`)
    await administer(database.url, `alter database ${database.name} set session_replication_role = replica`)
    await database.renewSessions()
    const url = new URL(database.url)
    Object.assign(url, { username: role, password: 'a%20password' })
    const db = openDb(url.href)
    const error = await db.query('t.one', 'select 1').then(
      () => undefined,
      (error) => error,
    )
    await db.close()
    expect(error?.name).to.equal('OperatorError')
    expect(error.message).to.match(/session_replication_role.*alter role … reset/)
    await database.drop()
    await administer(plain.url, `drop role ${role}`)
  })

  it('is pinned again when the listener comes back after its server ended it', async () => {
    const database = await freshDatabase()
    await administer(database.url, `alter database ${database.name} set idle_session_timeout = '100ms'`)
    await database.renewSessions()
    const listener = openListener(database.url, { name: 'pinned' })
    await listener.ready()
    let lost = 0
    await eventually(async () => expect(await listener.lock('a', () => lost++)).to.be.an('object'))
    await administer(
      database.url,
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    )
    await eventually(() => expect(lost).to.equal(1))
    await eventually(async () => expect(await listener.lock('b', () => lost++)).to.be.an('object'))
    // Longer than the role's own timeout lets a session be idle.
    const db = openDb(database.url, { max: 1 })
    await db.query('t.sleep', 'select pg_sleep(0.3)')
    expect(lost).to.equal(1)
    await db.close()
    await listener.close()
    await database.drop()
  })

  it('leaves a database read-only that an administrator made so, and a service says so in a line', async () => {
    const database = await freshDatabase()
    await administer(plain.url, `alter database ${database.name} set default_transaction_read_only = on`)
    await database.renewSessions()
    const db = openDb(database.url)
    const error = await reach(db).catch((error) => error)
    expect(error?.name).to.equal('OperatorError')
    expect(error.message).to.match(/^the database is read-only .*alter database … reset/)
    await reach(db, { writes: false })
    await db.close()
    await database.drop()
  })

  it('refuses a database that cannot hold all texts, in a line', async () => {
    const database = await emptyDatabase({ encoding: 'LATIN1' })
    const db = openDb(database.url)
    const error = await db.query('t.one', 'select 1').catch((error) => error)
    await db.close()
    expect(error.name).to.equal('OperatorError')
    expect(error.message).to.match(/^the database has the encoding LATIN1.*encoding 'UTF8'/)
    await database.drop()
  })
})
