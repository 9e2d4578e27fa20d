import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { openDb } from '#platform/pg/pool.ts'
import { notesView } from '#projections/notes.ts'
import { type Supervisor, supervisor } from '#services/stack/supervisor.ts'
import { client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freePort } from '#test/kit/free-port.ts'
import { startLoad } from '#test/kit/ledger.ts'
import { onKafka } from '#test/kit/log.ts'
import { vidwiz } from '#test/kit/run.ts'
import { PARTS, type Stack, startStack } from '#test/kit/stack.ts'

const { version: now } = notesView
const NEXT = `--import=${new URL('../kit/next-version.ts', import.meta.url).href}`
const CLIENTS = 4

/** Processes of the next version, beside those of a stack. */
interface Next {
  url: string
  env: NodeJS.ProcessEnv
  start(...parts: string[]): Promise<void>
  stop: Supervisor['stop']
}

async function nextOf(stack: Stack): Promise<Next> {
  const port = await freePort()
  const parts = supervisor({
    onLine: (part, line) => stack.output.push(`next ${part}: ${line}`),
    onRestart: (part, why) => stack.output.push(`next ${part} ${why}`),
  })
  const env = { ...stack.env, PORT: String(port), NODE_OPTIONS: `${NEXT} --disable-warning=ExperimentalWarning` }
  const file = fileURLToPath(new URL('../../services/process.ts', import.meta.url))
  return {
    url: `http://127.0.0.1:${port}`,
    env,
    start: (...names) => parts.start(names.map((name) => ({ name, file, args: [name], env }))),
    stop: parts.stop,
  }
}

describe('a rolling upgrade under load', function () {
  this.timeout(300_000)
  let stack: Stack
  let next: Next
  beforeEach(async () => {
    stack = await startStack()
    next = await nextOf(stack)
  })
  afterEach(async () => {
    await next?.stop()
    await stack?.stop()
  })

  const liveVersion = async () => {
    const db = openDb(stack.databaseUrl, { max: 1 })
    const [row] = await db.query<{ version: number }>('t', `select version from log.views where view = 'notes'`).finally(db.close)
    return row?.version
  }
  const health = async (url: string) => {
    const answer = await fetch(`${url}/health`)
    return [answer.status, ((await answer.json()) as { checks?: { reads: string } }).checks?.reads]
  }
  const others = PARTS.filter((part) => part !== 'api' && part !== 'projector')

  for (const order of [
    ['projector', 'api'],
    ['api', 'projector'],
  ] as const)
    it(`loses nothing, does nothing twice and never answers 500, ${order[0]} first; old code stands by, and cannot take it back`, async () => {
      const before = await startLoad({ url: stack.url, clients: CLIENTS })
      const goesOn = async (load: typeof before) => {
        const answered = load.answered()
        await eventually(() => expect(load.answered()).to.be.greaterThan(answered + 3 * CLIENTS), { withinMs: 30_000 })
      }
      await goesOn(before)
      await next.start(order[0])
      if (order[0] === 'api')
        // A load balancer leaves it alone until it can read the views.
        expect(await health(next.url)).to.deep.equal([
          503,
          `view notes is live in version ${now}; this process reads version ${now + 1}: column colour is missing`,
        ])
      await goesOn(before)
      await next.start(order[1])
      await eventually(async () => expect(await health(next.url)).to.deep.equal([200, undefined]))
      expect(await liveVersion()).to.equal(now + 1)

      // Both versions beside each other.
      await eventually(() =>
        expect(stack.output.join('\n')).to.match(
          new RegExp(`^projector: .*live in version ${now + 1}; this process knows version ${now}`, 'm'),
        ),
      )
      const after = await startLoad({ url: next.url, clients: CLIENTS })
      await goesOn(before)
      await goesOn(after)
      const refused = await vidwiz(['rebuild', 'notes'], stack.env).finished
      expect([refused.code, refused.stderr]).to.deep.equal([
        1,
        `vidwiz: view notes is live in version ${now + 1}; this code knows version ${now} and would replace it by an older one. Rebuild with the newer code, or first stop all processes of the newer code, then add --down-to ${now}\n`,
      ])
      await before.stop()
      await eventually(() => before.audit(), { withinMs: 30_000, everyMs: 200 })

      await next.start(...others)
      await stack.parts.stop()
      await goesOn(after)
      await after.stop()
      await eventually(() => after.audit(), { withinMs: 30_000, everyMs: 200 })
      expect(stack.output.filter((line) => line.includes('request failed'))).to.deep.equal([])
      const verified = await vidwiz(['verify', 'notes'], next.env).finished
      expect(verified.code, verified.stdout + verified.stderr).to.equal(0)
    })

  it('leaves what the next version writes in a new schema to the next version: nothing is parked, and no answer is a 500', async () => {
    await next.start('projector', 'api')
    const person = await newUser(stack.url)
    const [old, ours] = [client(stack.url, person.token), client(next.url, person.token)]
    const path = '/v2/videos/bothversion/notes'
    const made = await old.call('POST', path, { timestamp: '0:01', text: 'first' })
    const note = `/v2/notes/${made.body.id}`
    expect((await ours.call('POST', `${note}/pin`)).status).to.equal(200)
    for (const [method, body] of [
      ['PATCH', { text: 'edited' }],
      ['DELETE', undefined],
    ] as const) {
      const refused = await old.call(method, note, body)
      expect([refused.status, refused.headers.get('retry-after')]).to.deep.equal([503, '5'])
    }
    expect((await ours.call('PATCH', note, { text: 'edited' })).status).to.equal(200)
    // The view of videos has the same version in both.
    expect((await old.call('POST', path, { timestamp: '0:02', text: 'second' })).status).to.equal(201)
    const db = openDb(stack.databaseUrl, { max: 1 })
    try {
      await eventually(
        async () => expect(await db.query('t.count', 'select notes from views.user_videos')).to.deep.equal([{ notes: 2 }]),
        { withinMs: 60_000 },
      )
      // On Kafka the partition of these notes may have been the next version's from the start.
      if (!onKafka) expect(stack.output.join('\n')).to.match(/^projector: .*this process leaves user-videos to newer code/m)
      await next.start(...others)
      await stack.parts.stop()
      expect((await ours.call('DELETE', note)).status).to.equal(200)
      await eventually(
        async () => expect(await db.query('t.count', 'select notes from views.user_videos')).to.deep.equal([{ notes: 1 }]),
        { withinMs: 60_000 },
      )
      expect(await db.query('t.parked', 'select consumer, stream, cause from log.dead_letters')).to.deep.equal([])
    } finally {
      await db.close()
    }
    const verified = await vidwiz(['verify'], next.env).finished
    expect(verified.code, verified.stdout + verified.stderr).to.equal(0)
  })

  it('does once what a client asks of both versions at the same time under one Idempotency-Key', async () => {
    await next.start('projector', 'api')
    const person = await newUser(stack.url)
    const both = [stack.url, next.url].map((url) => client(url, person.token))
    const ofBoth = (method: string, path: string, body: unknown, key: string) =>
      Promise.all(both.map((one) => one.call(method, path, body, { 'idempotency-key': key })))
    const path = '/v2/videos/bothversion/notes'
    const ids = new Set<number>()
    for (let n = 0; n < 30; n++) {
      const made = await ofBoth('POST', path, { timestamp: '0:01', text: `${n}` }, `made ${n}`)
      expect(made.map(({ status }) => status)).to.deep.equal([201, 201])
      expect(made[0]!.body.id).to.equal(made[1]!.body.id)
      ids.add(made[0]!.body.id)
      const edited = await ofBoth('PATCH', `/v2/notes/${made[0]!.body.id}`, { text: `edited ${n}` }, `edited ${n}`)
      expect(edited.map(({ status, body }) => [status, body.text])).to.deep.equal([
        [200, `edited ${n}`],
        [200, `edited ${n}`],
      ])
    }
    for (const one of both)
      await eventually(async () => {
        const { body } = await one.call('GET', path)
        expect(body.map(({ text }: { text: string }) => text)).to.deep.equal(Array.from({ length: 30 }, (_, n) => `edited ${n}`))
      })
    expect(ids.size).to.equal(30)
    const db = openDb(stack.databaseUrl, { max: 1 })
    const written = await db
      .query('t', `select type, count(*) from log.events where stream like 'note-%' group by 1 order by 1`)
      .finally(db.close)
    expect(written).to.deep.equal([
      { type: 'NoteCreated', count: 30 },
      { type: 'NoteEdited', count: 30 },
    ])
    expect(stack.output.filter((line) => line.includes('request failed'))).to.deep.equal([])
  })
})
