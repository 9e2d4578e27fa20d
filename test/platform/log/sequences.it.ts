import { expect } from 'chai'
import { deciders } from '#events/catalog.ts'
import type { EventOf } from '#events/kit/envelope.ts'
import { decider, stream } from '#events/kit/stream.ts'
import { notes } from '#events/topics.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { makeSequences } from '#platform/log/postgres/sequences.ts'
import { migrate } from '#platform/pg/migrate.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { administer, emptyDatabase, freshDatabase, type NewDatabase } from '#test/kit/postgres.ts'
import { vidwiz } from '#test/kit/run.ts'

const songs = stream<{ songId: number }>('song', { topic: notes, id: (e) => e.songId, key: (e) => e.songId })
const singing = (...ids: string[]) => [decider<number, EventOf>(songs, 1, (count) => count, { ids })]

const draw = async (db: Db, id: string) =>
  (await appender(db).load({ streams: [], ids: { [id]: 1 }, idempotencyKeys: [] })).ids[id]

describe('sequences of ids', function () {
  this.timeout(30_000)
  let database: NewDatabase
  let db: Db
  beforeEach(async () => {
    database = await freshDatabase()
    db = openDb(database.url, { max: 20 })
  })
  afterEach(async () => {
    await db?.close()
    await database?.drop()
  })

  it('are made for an id that a decider declares, and give 1 first', async () => {
    expect(await makeSequences(db, singing('song', 'Verse'))).to.have.members(['song_ids', 'Verse_ids'])
    expect([await draw(db, 'song'), await draw(db, 'song'), await draw(db, 'Verse')]).to.deep.equal([[1], [2], [1]])
  })

  it('are made once by processes that start at the same moment', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => makeSequences(db, singing('song'))))
    expect(made.flat()).to.deep.equal(['song_ids'])
  })

  it('go on where they are in a database that older code set up', async () => {
    await db.query('t.before', `select setval('log.note_ids', 41)`)
    expect(await makeSequences(db, [...deciders, ...singing('song')])).to.deep.equal(['song_ids'])
    expect(await draw(db, 'note')).to.deep.equal([42])
  })

  it('are made by setup, and a second setup makes none', async () => {
    const empty = await emptyDatabase()
    const setup = async () => {
      const { code, stdout } = await vidwiz(['setup'], { DB_URL: empty.url }).finished
      expect(code).to.equal(0)
      return stdout.split('\n').find((line) => line.startsWith('sequences:'))
    }
    expect(await setup()).to.match(/^sequences: user_ids, .*note_ids/)
    expect(await setup()).to.equal('sequences: up to date')
    await empty.drop()
  })

  it('may be used by each role that may append, and by no other', async () => {
    const [writer, reader] = [`${database.name}_writer`, `${database.name}_reader`]
    await administer(
      database.url,
      `create role ${writer} login password 'a password'; create role ${reader};
       grant usage on schema log to ${writer}, ${reader}; grant insert on log.events to ${writer}; grant select on log.events to ${reader}`,
    )
    const url = Object.assign(new URL(database.url), { username: writer, password: 'a%20password' }).href
    const poor = openDb(url, { max: 1 })
    try {
      const refused = await makeSequences(poor, singing('song')).catch((error) => error)
      expect([refused.name, refused.message]).to.deep.equal([
        'OperatorError',
        'the database lacks a sequence of ids, and the user of DB_URL may not make it (permission denied for schema log): ' +
          'run `npx vidwiz setup` as the owner of the tables',
      ])
      await makeSequences(db, singing('song'))
      expect(await makeSequences(poor, singing('song'))).to.deep.equal([])
      expect(await draw(poor, 'song')).to.deep.equal([1])
      const may = await db.query('t.may', `select has_sequence_privilege($1, 'log.song_ids', 'usage') as may`, [reader])
      expect(may).to.deep.equal([{ may: false }])
    } finally {
      await poor.close()
      await administer(database.url, `drop owned by ${writer}, ${reader}; drop role ${writer}, ${reader}`)
    }
  })

  it('are not made by a migration', async () => {
    const empty = await emptyDatabase()
    await migrate(empty.url)
    const other = openDb(empty.url, { max: 1 })
    expect(await other.query('t.none', `select from pg_sequences where schemaname = 'log'`)).to.deep.equal([])
    await other.close()
    await empty.drop()
  })
})
