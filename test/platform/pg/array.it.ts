import { expect } from 'chai'
import fc from 'fast-check'
import { arrayParameter } from '#platform/pg/array.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { emptyDatabase, type TestDatabase } from '#test/kit/postgres.ts'

describe('an array as a parameter', () => {
  let database: TestDatabase
  let db: Db
  before(async () => {
    database = await emptyDatabase()
    db = openDb(database.url)
  })
  after(async () => {
    await db.close()
    await database.drop()
  })

  const arrives = async (type: string, values: (string | number | null)[]) => {
    const [row] = await db.query<{ it: unknown }>(`t.${type}`, `select to_json($1::${type}[])::text as it`, [
      arrayParameter(values),
    ])
    expect(JSON.parse(row!.it as string)).to.deep.equal(values)
  }

  it('arrives as it is, whatever stands in its texts', () => {
    const nasty = fc.constantFrom(
      '',
      'NULL',
      'null',
      '{',
      '}',
      ',',
      '"',
      '\\',
      '\\n',
      '\n',
      '\t',
      '\u007f',
      '{"a","b"}',
      'é',
      '😀',
    )
    const text = fc.oneof(
      nasty,
      fc.string({ unit: 'binary' }).map((s) => s.replaceAll('\0', '')),
      fc.array(nasty).map((some) => some.join('')),
    )
    return fc.assert(fc.asyncProperty(fc.array(fc.option(text)), (values) => arrives('text', values)))
  })

  it('arrives as it is, whatever its numbers', () =>
    fc.assert(fc.asyncProperty(fc.array(fc.option(fc.maxSafeInteger())), (values) => arrives('bigint', values))))
})
