import { expect } from 'chai'
import pg from 'pg'
import { freshDatabase, type NewDatabase } from '#test/kit/postgres.ts'
import { vidwiz } from '#test/kit/run.ts'

describe('the command line while somebody holds a lock', function () {
  this.timeout(120_000)
  let database: NewDatabase
  let other: pg.Client
  before(async () => {
    database = await freshDatabase()
    other = new pg.Client({ connectionString: database.url })
    await other.connect()
  })
  after(async () => {
    await other?.end()
    await database?.drop()
  })

  for (const table of ['log.owners', 'log.checkpoints'])
    it(`lag tells what it cannot see and ends, while ${table} is locked`, async () => {
      await other.query(`begin; lock table ${table} in access exclusive mode`)
      try {
        const { code, stdout, stderr } = await vidwiz(['lag', '--check'], { DB_URL: database.url }).finished
        expect(code).to.equal(1)
        expect(stdout + stderr).to.match(/did not answer|locked by another session/)
        expect(stderr).not.to.match(/^ +at /m)
      } finally {
        await other.query('rollback')
      }
    })
})
