import { expect } from 'chai'
import { openDb } from '#platform/pg/pool.ts'
import { type Client, client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { onKafka } from '#test/kit/log.ts'
import { backUp } from '#test/kit/postgres.ts'
import { everyViewEqualsItsReplay } from '#test/kit/replay.ts'
import { vidwiz } from '#test/kit/run.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'

const PATIENCE = { withinMs: 60_000, everyMs: 100 }
const VIDEO = 'dQw4w9WgXcQ'

/** What is in the database beside what every process writes of itself. */
const CONTENTS = `
  select (select coalesce(max(pos), 0) from log.events) as head, (select count(*) from log.events) as events,
         (select pos from log.relay) as relayed, (select json_agg(c.pos order by consumer, topic, partition) from log.checkpoints c) as stands,
         (select count(*) from views.notes) as notes`

describe('a database that was restored from a backup', function () {
  this.timeout(240_000)
  const stacks: Stack[] = []
  let backup: Awaited<ReturnType<typeof backUp>>
  after(async () => {
    for (const stack of stacks.toReversed()) await stack.stop()
    await backup?.drop()
  })

  /** Another start of the same system. */
  async function start(): Promise<Stack> {
    const [first] = stacks
    const database = first && { url: first.databaseUrl, drop: async () => {} }
    const stack = await startStack({ OPS_PASSWORD: '' }, { ...(database && { database }) })
    stacks.push(stack)
    return stack
  }
  const write = (person: Client, texts: string[]) =>
    Promise.all(
      texts.map(async (text) => {
        const { status, body } = await person.call('POST', `/v2/videos/${VIDEO}/notes`, { timestamp: '0:01', text })
        expect(status, JSON.stringify(body)).to.equal(201)
        return body.id as number
      }),
    )
  const textsOf = async (person: Client) => {
    const { body } = await person.call('GET', `/v2/videos/${VIDEO}/notes`)
    return body.map(({ text }: { text: string }) => text).sort()
  }
  const contents = async ({ databaseUrl }: Stack) => {
    const db = openDb(databaseUrl, { max: 1 })
    try {
      return (await db.query('test.contents', CONTENTS))[0]
    } finally {
      await db.close()
    }
  }
  const some = (what: string) => Array.from({ length: 8 }, (_, n) => `${what} ${n}`)
  const again = ({ url }: Stack, { token }: { token: string }) => client(url, token)

  it('takes nothing until somebody lets it go on; then nothing of before opens, shows or hides what comes', async () => {
    let stack = await start()
    const early = await newUser(stack.url)
    await write(early, some('kept'))
    await stack.parts.stop()
    backup = await backUp(stack.databaseUrl)

    // What nobody will know of any more, but topics and clients do.
    stack = await start()
    const late = await newUser(stack.url)
    const lostNotes = await write(again(stack, early), some('lost'))
    await write(late, some('lost as well'))
    const { body: lateProfile } = await late.call('GET', '/v2/users/me')
    const edited = await again(stack, early).call('PATCH', `/v2/notes/${lostNotes[0]}`, { text: 'edited' })
    const { headers: lost } = edited
    // On Kafka it is found by who starts; on the embedded log by who has seen more than there is.
    if (onKafka) await stack.parts.stop()
    await backup.restore()
    if (onKafka) stack = await start()
    const person = again(stack, early)
    await eventually(async () => expect(await textsOf(person)).to.deep.equal(some('kept')), PATIENCE)
    const restored = await contents(stack)

    const refused = await eventually(async () => {
      const answer = await person.call('POST', `/v2/videos/${VIDEO}/notes`, { timestamp: '0:01', text: 'too early' })
      expect(answer.body?.error?.message).to.match(/until an operator has looked at the log/)
      return answer
    }, PATIENCE)
    expect([refused.status, refused.headers.get('retry-after')]).to.deep.equal([503, '60'])
    const health = await person.call('GET', '/health')
    expect([health.status, health.body.checks]).to.deep.equal([
      503,
      { reads: 'ok', writes: 'halted until an operator has looked at the log' },
    ])
    await eventually(() => expect(stack.output.join('\n')).to.match(/vidwiz restored.*the log is halted/), PATIENCE)
    expect(await textsOf(person)).to.deep.equal(some('kept'))
    expect(await contents(stack)).to.deep.equal(restored)

    const look = await vidwiz(['restored', '--dry-run'], stack.env).finished
    expect(look.code, look.stderr).to.equal(0)
    expect(look.stdout).to.match(/what was written later is lost/)
    if (onKafka) expect(look.stdout).to.match(/holds \d+ records that the log does not have: readers will skip them/)
    expect(await contents(stack)).to.deep.equal(restored)
    const unsaid = await vidwiz(['restored'], stack.env).finished
    expect([unsaid.code, unsaid.stderr]).to.deep.equal([
      1,
      'vidwiz: give a reason: --reason (or --dry-run, to see what would happen)\n',
    ])

    // A process that is kept from its work says so, and does not fill its log with it.
    expect(mostPauses(stack.output)).to.be.at.most(4)

    const before = stack.parts.pids()
    const done = await vidwiz(['restored', '--reason', 'the disk died'], stack.env).finished
    expect(done.code, done.stdout + done.stderr).to.equal(0)
    expect(done.stdout).to.match(/the log continues in epoch 2/)
    // All services start again by themselves.
    await eventually(async () => {
      const now = stack.parts.pids()
      expect(Object.keys(before).filter((part) => now[part] === before[part])).to.deep.equal([])
      expect((await person.call('GET', '/v2/users/me')).status).to.equal(200)
    }, PATIENCE)
    const noteIds = await eventually(async () => {
      const { status, body } = await person.call('POST', `/v2/videos/${VIDEO}/notes`, { timestamp: '0:02', text: 'new 0' })
      expect(status, JSON.stringify(body)).to.equal(201)
      return [body.id as number]
    }, PATIENCE)
    noteIds.push(...(await write(person, ['new 1', 'new 2'])))
    await eventually(
      async () => expect(await textsOf(person)).to.deep.equal([...some('kept'), 'new 0', 'new 1', 'new 2']),
      PATIENCE,
    )
    expect(Math.min(...noteIds)).to.be.greaterThan(Math.max(...lostNotes))

    // Whose account is gone keeps a token that opens nothing, and who comes next is somebody else.
    const next = await newUser(stack.url)
    const { body: profile } = await next.call('GET', '/v2/users/me')
    expect(profile.id).to.be.greaterThan(lateProfile.id)
    const gone = again(stack, late)
    expect((await gone.call('GET', '/v2/users/me')).status).to.equal(404)
    expect(await textsOf(next)).to.deep.equal([])

    // A place that was lost is never shown, and asking for it waits for nothing.
    const position = lost.get('VidWiz-Position')!
    const read = await person.call('GET', `/v2/videos/${VIDEO}/notes`, undefined, { 'VidWiz-Position': position })
    expect([read.status, read.headers.get('VidWiz-Visible')]).to.deep.equal([200, 'false'])
    // The same version of the same thing, of another past.
    const { headers } = await person.call('GET', `/v2/notes/${noteIds[0]}`)
    expect(headers.get('etag')).to.match(/@1\.2~[\w-]{8}"$/)
    expect(lost.get('etag')).to.match(/@2~[\w-]{8}"$/)
    await everyViewEqualsItsReplay(stack.databaseUrl)
  })
})

/** How often one consumer of one process, at most, has logged that it is paused. */
function mostPauses(output: readonly string[]): number {
  const paused = output.filter((line) => /"msg":"(still )?paused"/.test(line))
  const consumers = Map.groupBy(paused, (line) => /^[^{]*/.exec(line)![0] + /"(view|topic)":"[^"]*"/.exec(line)?.[0])
  return Math.max(0, ...[...consumers.values()].map((lines) => lines.length))
}
