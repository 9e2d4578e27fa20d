import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { appender } from '#platform/log/postgres/appender.ts'
import { openDb } from '#platform/pg/pool.ts'
import { group } from '#test/conformance/log/groups.ts'
import { freshDatabase } from '#test/kit/postgres.ts'
import { mayLower } from '#test/kit/session-priority.ts'

const READER = fileURLToPath(new URL('../../../kit/background-reader.ts', import.meta.url))

describe('a history of the embedded log that a background process reads', () => {
  it('Unfelt: its process of Postgres has the lowest priority while it sends, and its former one afterwards', async function () {
    const database = await freshDatabase()
    const db = openDb(database.url)
    try {
      if (!(await mayLower(db))) this.skip()
      await appender(db).append([group('thing-1', 0, [{}]), group('thing-2', 0, [{}])])
      const { stdout } = await promisify(execFile)(process.execPath, [
        '--disable-warning=ExperimentalWarning',
        READER,
        database.url,
      ])
      expect(JSON.parse(stdout)).to.deep.equal({ during: [19], afterwards: [0] })
    } finally {
      await db.close()
      await database.drop()
    }
  })
})
