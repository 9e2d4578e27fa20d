import { expect } from 'chai'
import { type Client, client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { administer } from '#test/kit/postgres.ts'
import { everyViewEqualsItsReplay } from '#test/kit/replay.ts'
import { vidwiz } from '#test/kit/run.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'

const NOTES = '/v2/videos/dQw4w9WgXcQ/notes'
const PATIENCE = { withinMs: 60_000, everyMs: 100 }

describe('views that an operator dropped by hand while everything runs', function () {
  this.timeout(240_000)
  let stack: Stack
  let person: Client
  const written: string[] = []
  before(async () => {
    stack = await startStack({ OPS_PASSWORD: '' })
    person = await newUser(stack.url)
    await write('first')
  })
  after(() => stack?.stop())

  async function write(text: string) {
    const { status, body } = await person.surely('POST', NOTES, { timestamp: '0:01', text })
    expect(status, JSON.stringify(body)).to.equal(201)
    written.push(text)
  }
  const run = (...args: string[]) => vidwiz(args, stack.env).finished
  const health = () => client(stack.url).call('GET', '/health')
  const says = (what: RegExp) =>
    eventually(async () => {
      const { status, body } = await health()
      expect([status, body.checks?.reads]).to.satisfy(
        ([code, reads]: [number, string]) => code === 503 && what.test(reads),
        JSON.stringify(body),
      )
    }, PATIENCE)
  const worksAgain = () =>
    eventually(async () => {
      expect((await health()).body).to.deep.equal({ status: 'ok' })
      const { body } = await person.call('GET', NOTES)
      expect(body.map(({ text }: { text: string }) => text)).to.deep.equal(written)
    }, PATIENCE)
  const rebuilds = async (view: string) => {
    const { code, stderr } = await run('rebuild', view)
    expect(code, stderr).to.equal(0)
  }

  it('a view without one of its columns is not equal to its replay; the rebuild that the log names brings it back', async () => {
    await administer(stack.databaseUrl, 'alter table views.notes drop column text')
    await says(/^view notes is live .*: column text is missing$/)
    await eventually(
      () => expect(stack.output.join('\n')).to.match(/column text is missing\. .*npx vidwiz rebuild notes/),
      PATIENCE,
    )
    const verified = await run('verify', 'notes')
    expect([verified.code, verified.stdout]).to.satisfy(([code, text]: [number, string]) => code === 1 && /text/.test(text))
    await rebuilds('notes')
    await worksAgain()
  })

  it('a view without its table says so, and what to do; that brings it back', async () => {
    await administer(stack.databaseUrl, 'drop table views.users')
    await says(/^the table of view users is gone\. .*npx vidwiz rebuild users/)
    const verified = await run('verify', 'users')
    expect([verified.code, verified.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 1 && /^vidwiz: the table of view users is gone\..*\n$/.test(text),
      verified.stderr,
    )
    await rebuilds('users')
    await write('without its table')
    await worksAgain()
  })

  it('without the whole schema reads are answered 503, writes are kept, and the projector builds all views when it starts', async () => {
    await administer(stack.databaseUrl, 'drop schema views cascade')
    await says(/^the table of view \S+ is gone/)
    const read = await person.call('GET', NOTES)
    expect([read.status, read.body.error.code]).to.deep.equal([503, 'SERVICE_UNAVAILABLE'])
    await write('without the schema')
    // One of them by hand, though its schema is gone.
    await rebuilds('notes')
    await stack.signal('projector', 'SIGTERM')
    await write('while they are built')
    await worksAgain()
    await eventually(() => everyViewEqualsItsReplay(stack.databaseUrl), PATIENCE)
    expect((await run('verify')).code).to.equal(0)
  })
})
