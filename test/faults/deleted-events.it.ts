import { expect } from 'chai'
import { openDb } from '#platform/pg/pool.ts'
import { type Client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { onKafka } from '#test/kit/log.ts'
import { everyViewEqualsItsReplay } from '#test/kit/replay.ts'
import { vidwiz } from '#test/kit/run.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'

const NOTES = '/v2/videos/dQw4w9WgXcQ/notes'
const PATIENCE = { withinMs: 60_000, everyMs: 100 }

describe('events that an operator deleted by hand from the database', function () {
  this.timeout(240_000)
  let stack: Stack
  let person: Client
  beforeEach(async () => {
    stack = await startStack({ OPS_PASSWORD: '' })
    person = await newUser(stack.url)
    for (const text of ['one', 'two', 'three', 'four']) expect((await write(text)).status).to.equal(201)
  })
  afterEach(() => stack?.stop())

  const write = (text: string) => person.call('POST', NOTES, { timestamp: '0:01', text })
  const run = (...args: string[]) => vidwiz(args, stack.env).finished
  async function sql<T extends object>(text: string): Promise<T[]> {
    const db = openDb(stack.databaseUrl, { max: 1 })
    try {
      return await db.query<T>('test', text)
    } finally {
      await db.close()
    }
  }
  const texts = async () => (await person.call('GET', NOTES)).body.map(({ text }: { text: string }) => text)
  const head = async () => (await sql<{ head: number }>('select log.head() as head'))[0]!.head
  const refusesWrites = () =>
    eventually(async () => {
      const { status, body } = await write('too early')
      expect([status, body.error?.message]).to.satisfy(
        ([code, message]: [number, string]) => code === 503 && /operator has looked at the log/.test(message),
      )
    }, PATIENCE)

  it('from its middle: no command that replays leaves them out in silence; given up, the log is replayed without them', async function () {
    // There the topics have them.
    if (onKafka) this.skip()
    const deleted = await sql<{ pos: number }>(
      `delete from log.events where type = 'NoteCreated' and data->>'text' in ('one', 'three') returning pos`,
    )
    const positions = deleted.map(({ pos }) => pos).sort((a, b) => a - b)
    const rows = await sql('select to_jsonb(n) as row from views.notes n order by note_id')
    const gone = `vidwiz: 2 events are gone from the middle of the log, at positions ${positions.join(', ')}.`
    for (const command of [
      ['verify', 'notes'],
      ['rebuild', 'notes'],
      ['rebuild', 'users', '--dry-run'],
      ['as-of', 'notes', '--position', String(positions[1])],
    ]) {
      const { code, stdout, stderr } = await run(...command)
      expect([code, stdout], command.join(' ')).to.deep.equal([1, ''])
      expect(
        stderr.split('\n').find((line) => line.startsWith('vidwiz:')),
        command.join(' '),
      ).to.satisfy((line: string) => line.startsWith(gone))
      expect(stderr).to.not.contain('    at ')
    }
    expect(await sql('select to_jsonb(n) as row from views.notes n order by note_id')).to.deep.equal(rows)
    // What is live goes on.
    expect((await write('five')).status).to.equal(201)
    expect(await texts()).to.deep.equal(['one', 'two', 'three', 'four', 'five'])

    const shown = await run('restored', '--dry-run')
    expect(shown.stdout).to.contain(gone.slice('vidwiz: '.length, -1))
    const done = await run('restored', '--reason', 'nobody has a backup')
    expect(done.code, done.stdout + done.stderr).to.equal(0)
    await eventually(async () => expect((await write('six')).status).to.equal(201), PATIENCE)
    const rebuilt = await run('rebuild', 'notes')
    expect(rebuilt.code, rebuilt.stderr).to.equal(0)
    const rest = await run('rebuild', 'user-videos')
    expect(rest.code, rest.stderr).to.equal(0)
    expect(await texts()).to.deep.equal(['two', 'four', 'five', 'six'])
    await eventually(() => everyViewEqualsItsReplay(stack.databaseUrl), PATIENCE)
  })

  it('from its end, while a process runs that has seen them: nothing is appended in their place', async () => {
    const before = await head()
    await sql(`delete from log.events where pos = ${before}`)
    // The stream of a new note, and of a video that this process has not read yet: their versions are looked up.
    const other = await person.call('POST', '/v2/videos/jNQXAC9IVRw/notes', { timestamp: '0:01', text: 'in its place' })
    expect(other.status).to.equal(503)
    await refusesWrites()
    expect(await head()).to.equal(before - 1)
    expect(await texts()).to.deep.equal(['one', 'two', 'three', 'four'])
  })

  it('from its end, while nothing ran: the first process that starts halts the log', async () => {
    await eventually(() => everyViewEqualsItsReplay(stack.databaseUrl), PATIENCE)
    await stack.parts.stop()
    const before = await head()
    await sql(`delete from log.events where pos = ${before}`)
    const again = await startStack(stack.env, { database: { url: stack.databaseUrl, drop: async () => {} } })
    try {
      await refusesWrites()
      const { status, body } = await person.call('GET', '/health')
      expect([status, body.checks]).to.deep.equal([
        503,
        { reads: 'ok', writes: 'halted until an operator has looked at the log' },
      ])
      expect(again.output.join('\n')).to.contain(`has handled position ${before}, but the log ends at ${before - 1}`)
      expect(await head()).to.equal(before - 1)
    } finally {
      await again.parts.stop()
    }
  })
})
