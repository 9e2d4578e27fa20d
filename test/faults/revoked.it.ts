import { expect } from 'chai'
import { type Answer, type Client, client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { administer, freshDatabase, type NewDatabase } from '#test/kit/postgres.ts'
import { everyViewEqualsItsReplay } from '#test/kit/replay.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'

const NOTES = '/v2/videos/dQw4w9WgXcQ/notes'
const PATIENCE = { withinMs: 60_000, everyMs: 100 }
/** More than the pauses between two tries, so that a line for each failure would show. */
const ASKED = 40

/** Gives everything to a role that is no superuser: for a superuser nothing can be revoked. */
const owned = (role: string) => `
  do $$ declare one record; begin
    for one in select nspname from pg_namespace where nspname in ('log', 'views', 'vidwiz') loop
      execute format('alter schema %I owner to ${role}', one.nspname);
    end loop;
    for one in select c.oid::regclass as name from pg_class c
                where c.relnamespace::regnamespace::text in ('log', 'views', 'vidwiz') and c.relkind in ('r', 'v') loop
      execute format('alter table %s owner to ${role}', one.name);
    end loop;
    for one in select c.oid::regclass as name from pg_class c
                where c.relnamespace::regnamespace::text = 'log' and c.relkind = 'S'
                  and not exists (select from pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i')) loop
      execute format('alter sequence %s owner to ${role}', one.name);
    end loop;
  end $$`

describe('a database whose rights are taken away while everything runs', function () {
  this.timeout(240_000)
  const role = `vidwiz_test_${process.pid}`
  let database: NewDatabase
  let stack: Stack
  let person: Client & { email: string; password: string }
  before(async () => {
    database = await freshDatabase()
    await admin(`create role ${role} login password 'of a test'`)
    await admin(`grant create on database ${database.name} to ${role}`)
    await admin(owned(role))
    const url = Object.assign(new URL(database.url), { username: role, password: 'of a test' }).href
    stack = await startStack({ LOG_LEVEL: 'info' }, { database: { url, drop: database.drop } })
    person = await newUser(stack.url)
    await expectWritten('first')
  })
  after(async () => {
    await stack?.stop()
    const other = await freshDatabase()
    await administer(other.direct, `drop role if exists ${role}`)
    await other.drop()
  })

  const admin = (statement: string) => administer(database.direct, statement)
  const write = (text: string) => person.call('POST', NOTES, { timestamp: '0:01', text }, { 'idempotency-key': text })
  const health = () => client(stack.url).call('GET', '/health')
  const expectUnavailable = ({ status, body }: Answer) =>
    expect([status, body?.error?.code], JSON.stringify(body)).to.deep.equal([503, 'SERVICE_UNAVAILABLE'])
  const expectWritten = async (text: string) => {
    await eventually(async () => expect((await write(text)).status).to.equal(201), PATIENCE)
    await eventually(async () => {
      const { body } = await person.call('GET', NOTES)
      expect(body.filter((note: { text: string }) => note.text === text)).to.have.length(1)
    }, PATIENCE)
  }
  const linesOf = (part: string, message: string) =>
    stack.output.filter((line) => line.startsWith(`${part}:`) && line.includes(`"msg":"${message}"`)).length

  const DENIED = 'the database refuses statements: our role lacks a right'
  const ALLOWED = 'the database accepts all statements again'
  /** Also what the API asks by itself now and then. */
  const nothingRefused = () => eventually(() => expect(linesOf('api', ALLOWED)).to.equal(linesOf('api', DENIED)), PATIENCE)

  for (const [what, right, on] of [
    ['events may not be appended', 'insert', 'log.events'],
    ['events may not be read', 'select', 'log.events'],
    ['the schema of the log may not be used', 'usage', 'schema log'],
  ] as const)
    it(`${what}: writes are answered 503, health and one line say so, and all goes on once the right is back`, async () => {
      const [begun, ended] = [
        linesOf('api', 'the database does not take writes'),
        linesOf('api', 'the database takes writes again'),
      ]
      await admin(`revoke ${right} on ${on} from ${role}`)
      try {
        for (let n = 0; n < ASKED; n++) expectUnavailable(await write(what))
        await eventually(async () => {
          const { status, body } = await health()
          expect([status, body.checks?.writes]).to.deep.equal([503, 'permission denied'])
        }, PATIENCE)
        expect(linesOf('api', 'the database does not take writes')).to.equal(begun + 1)
      } finally {
        await admin(`grant ${right} on ${on} to ${role}`)
      }
      await expectWritten(what)
      await eventually(async () => expect((await health()).body).to.deep.equal({ status: 'ok' }), PATIENCE)
      expect(linesOf('api', 'the database takes writes again')).to.equal(ended + 1)
      await nothingRefused()
    })

  for (const [what, right, on] of [
    ['a view may not be read', 'select', 'views.notes'],
    ['the schema of the views may not be used', 'usage', 'schema views'],
  ] as const)
    it(`${what}: reads are answered 503, health and one line say so, and all goes on once the right is back`, async () => {
      const begun = linesOf('api', DENIED)
      await admin(`revoke ${right} on ${on} from ${role}`)
      try {
        for (let n = 0; n < ASKED; n++) expectUnavailable(await person.call('GET', NOTES))
        await eventually(async () => {
          const { status, body } = await health()
          expect([status, body.checks?.reads]).to.satisfy(
            ([code, reads]: [number, string]) => code === 503 && /^view \S+: permission denied$/.test(reads),
            JSON.stringify(body),
          )
        }, PATIENCE)
        expect(linesOf('api', DENIED)).to.equal(begun + 1)
      } finally {
        await admin(`grant ${right} on ${on} to ${role}`)
      }
      await expectWritten(what)
      await eventually(async () => expect((await health()).body).to.deep.equal({ status: 'ok' }), PATIENCE)
      await nothingRefused()
    })

  it('no request was answered 500, and nothing is lost', async () => {
    expect(stack.output.filter((line) => line.includes('request failed'))).to.deep.equal([])
    await eventually(() => everyViewEqualsItsReplay(database.url), PATIENCE)
  })
})
