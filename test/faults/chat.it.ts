import { expect } from 'chai'
import { openDb } from '#platform/pg/pool.ts'
import { client, newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { freshDatabase } from '#test/kit/postgres.ts'
import { everyViewEqualsItsReplay } from '#test/kit/replay.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'
import { content, DONE, FAILED, send, talkingModel } from '#test/services/api/routes/chat.ts'

const VIDEO = 'dQw4w9WgXcQ'
const QUOTA = 5
const AT_ONCE = 12

describe('chat on a system with two APIs', function () {
  this.timeout(120_000)
  const model = talkingModel()
  const stacks: Stack[] = []
  before(async () => {
    const database = await freshDatabase()
    const env = {
      GEMINI_API_KEY: 'k',
      GEMINI_BASE_URL: model.url,
      WIZ_USER_DAILY_QUOTA: String(QUOTA),
      // What is abandoned is found soon after a reply could not be on its way any more.
      WIZ_REPLY_SECONDS: '2',
    }
    stacks.push(await startStack(env, { database }))
    stacks.push(await startStack({ ...env, VIDWIZ_DATA: stacks[0]!.dataFolder }, { database }))
    const { url, adminToken } = stacks[0]!
    const transcript = [{ offset: 1, text: 'x' }]
    const stored = await client(url, adminToken).call('POST', `/v2/internal/videos/${VIDEO}/transcript`, { transcript })
    expect(stored.status).to.equal(200)
  })
  after(async () => {
    for (const stack of stacks) await stack.stop()
  })

  let guests = 0
  const newGuest = () => ({ 'X-Guest-Session-ID': `guest ${++guests}` })
  const started = async (headers: Record<string, string>) =>
    (await client(stacks[0]!.url).call('POST', '/v2/conversations', { video_id: VIDEO }, headers)).body.id as number
  const say = (api: number, conversation: number, headers: Record<string, string>) =>
    send(stacks[api]!.url, conversation, 'x', headers)
  const eventsOf = async (conversation: number) => {
    const db = openDb(stacks[0]!.databaseUrl, { max: 1 })
    try {
      return await db.query<{ type: string; data: string }>(
        't.events',
        'select type, data from log.events where stream = $1 order by version',
        [`conversation-${conversation}`],
      )
    } finally {
      await db.close()
    }
  }
  const ended = (stack: Stack, how: string) => stack.output.filter((line) => line.startsWith('api') && line.includes(how)).length

  for (const who of ['user', 'guest'])
    for (const where of ['one conversation', 'a conversation each'])
      it(`lets exactly ${QUOTA} of ${AT_ONCE} messages that a ${who} sends at once to ${where} pass`, async () => {
        model.answer(() => ['Hello.'])
        const headers: Record<string, string> =
          who === 'user' ? { Authorization: `Bearer ${(await newUser(stacks[0]!.url)).token}` } : newGuest()
        const ids: number[] = []
        for (let i = 0; i < AT_ONCE; i++) ids.push(i === 0 || where !== 'one conversation' ? await started(headers) : ids[0]!)
        const all = await Promise.all(
          ids.map(async (id, i) => {
            const heard = await say(i % 2, id, headers)
            return heard.head.status === 200 ? (await heard.rest()).join('') : heard.head.json().error.code
          }),
        )
        expect(all.sort()).to.deep.equal([
          ...Array(AT_ONCE - QUOTA).fill('RATE_LIMIT_EXCEEDED'),
          ...Array(QUOTA).fill(content('Hello.') + DONE),
        ])
        const events = (await Promise.all([...new Set(ids)].map(eventsOf))).flat()
        expect(events.filter(({ type }) => type === 'MessageSent')).to.have.length(QUOTA)
      })

  it('closes a reply that was lost with its server, and gives the message back', async () => {
    const headers = newGuest()
    const id = await started(headers)
    const heard = []
    for (const words of [[], ['one ']]) {
      model.answer(async function* ({ hungUp }) {
        yield* words
        await new Promise((resolve) => hungUp.addEventListener('abort', resolve))
      })
      heard.push(await say(1, id, headers))
    }
    await eventually(async () =>
      expect((await eventsOf(id)).map(({ type }) => type).slice(1)).to.deep.equal(['MessageSent', 'MessageSent']),
    )
    expect(await heard[1]!.next()).to.equal(content('one '))
    await stacks[1]!.signal('api', 'SIGKILL')
    for (const one of heard) await one.connection.closed
    const failed = await eventually(
      async () => {
        const found = (await eventsOf(id)).filter(({ type }) => type === 'ReplyFailed')
        expect(found).to.have.length(2)
        return found
      },
      { withinMs: 60_000, everyMs: 200 },
    )
    for (const { data } of failed) expect(JSON.parse(data)).to.include({ reason: 'nobody finished it', givenBack: true })
    model.answer(() => ['Hello.'])
    for (let i = 0; i < QUOTA; i++) expect(await (await say(0, id, headers)).rest()).to.deep.equal([content('Hello.'), DONE])
    expect((await say(0, id, headers)).head.status).to.equal(429)
  })

  it('P12: tells a reply to its end while the server stops, and keeps one that nobody listens to', async () => {
    const api = stacks[0]!
    await eventually(async () => expect((await client(api.url).call('GET', '/health')).status).to.equal(200))
    const headers = newGuest()
    const [listened, left] = [await started(headers), await started(headers)]
    const go = Promise.withResolvers<void>()
    model.answer(async function* () {
      yield 'one '
      await go.promise
      yield 'two'
    })
    const heard = await say(0, listened, headers)
    const leaving = await say(0, left, headers)
    for (const one of [heard, leaving]) expect(await one.next()).to.equal(content('one '))
    leaving.connection.socket.resetAndDestroy()
    await api.signal('api', 'SIGTERM')
    await eventually(() =>
      client(api.url)
        .call('GET', '/health')
        .then(
          () => expect.fail('still open'),
          () => {},
        ),
    )
    go.resolve()
    expect(await heard.rest()).to.deep.equal([content('two'), DONE])
    await eventually(() => expect(ended(api, 'ended with code 0')).to.equal(1))
    for (const id of [listened, left]) {
      const last = (await eventsOf(id)).at(-1)!
      expect([last.type, JSON.parse(last.data).text]).to.deep.equal(['ReplyCompleted', 'one two'])
    }
    await eventually(async () => expect((await client(api.url).call('GET', '/health')).status).to.equal(200))
  })

  it('ends a reply of a model that has fallen silent', async () => {
    const headers = newGuest()
    const id = await started(headers)
    model.answer(async function* ({ hungUp }) {
      yield 'one '
      await new Promise((resolve) => hungUp.addEventListener('abort', resolve))
    })
    expect(await (await say(0, id, headers)).rest()).to.deep.equal([content('one '), FAILED, DONE])
    expect(JSON.parse((await eventsOf(id)).at(-1)!.data)).to.include({ reason: 'the model failed', givenBack: false })
    await eventually(() => expect(model.asked.at(-1)!.hungUp.aborted).to.equal(true))
  })

  it('P6: leaves views that equal their replay', () => everyViewEqualsItsReplay(stacks[0]!.databaseUrl))
})
