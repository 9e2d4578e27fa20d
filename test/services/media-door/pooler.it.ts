import { expect } from 'chai'
import pg from 'pg'
import { openDb } from '#platform/pg/pool.ts'
import { closeDoor, openDoor } from '#services/kit/door/make.ts'
import { doorOf, isOpen } from '#services/kit/door/where.ts'
import { PGBOUNCER_RELEASES, pgbouncer } from '#test/kit/pgbouncer.ts'
import { freshDatabase } from '#test/kit/postgres.ts'

/** Longer than opening the door takes otherwise. */
const RETRY_SECONDS = 5

for (const release of PGBOUNCER_RELEASES)
  it(`the door is opened through PgBouncer ${release} again although somebody asked for its database meanwhile`, async function () {
    const database = await freshDatabase()
    // The older release does not tell a client that waits; by default the client waits for two minutes.
    const settings = { server_login_retry: RETRY_SECONDS, query_wait_timeout: RETRY_SECONDS }
    const pooler = await pgbouncer(this, database.direct, { mode: 'session', release, settings })
    const url = pooler.through(database.direct)
    const db = openDb(url, { max: 2 })
    const ask = async () => {
      const client = new pg.Client({ connectionString: doorOf(url).url })
      client.on('error', () => {})
      const error = await client
        .connect()
        .then(() => client.query('select 1'))
        .catch((error) => error)
      await client.end().catch(() => {})
      return error?.message
    }
    const open = () => openDoor(db, { url, password: 'a password', ownsServer: false })
    try {
      await open()
      await closeDoor(db, { url, force: true })
      // The second time the pooler no longer asks Postgres.
      await ask()
      expect(await ask()).to.match(/server login has been failing/)
      await open()
      expect(await isOpen(db)).to.equal(true)
    } finally {
      await closeDoor(db, { url, force: true }).catch(() => {})
      await db.close()
      await pooler.stop()
      await database.drop()
    }
  })
