import { expect } from 'chai'
import { eventually } from '#test/kit/eventually.ts'
import type { Asked } from '#test/kit/model-server.ts'
import { content, DONE, EMPTY, FAILED, frame, send, talkingModel } from './chat.ts'
import {
  A_TIME,
  asking,
  extra,
  newVideo,
  noString,
  type Person,
  problems,
  refusal,
  required,
  seen,
  system,
  wrong,
} from './kit.ts'

const ROWS = [
  { offset: 0, duration: 2, text: 'We’re no strangers' },
  { text: 'nobody knows when' },
  { offset: 65.9, duration: 2, text: 'to love' },
  { offset: 3700, text: 'never\ngonna' },
]
const NOT_FOUND = refusal(404, 'Conversation not found')
const GUESTS_A_DAY = 5

describe('sending a message to Wiz', () => {
  const model = talkingModel()
  const api = system(() => ({ GEMINI_API_KEY: 'a key that only tests use', GEMINI_BASE_URL: model.url }))
  let bob: Person
  before(async () => {
    bob = await api.someone()
  })
  beforeEach(() => {
    model.asked.length = 0
    model.answer(() => ['Hello.'])
  })

  const withTranscript = async (rows: unknown[] = ROWS) => {
    const video = newVideo()
    expect((await api.worker('POST', `/v2/internal/videos/${video}/transcript`, { json: { transcript: rows } })).status).to.equal(
      200,
    )
    return video
  }
  let guests = 0
  const newGuest = () => ({ 'X-Guest-Session-ID': `guest number ${++guests}` })
  /** A conversation, and how to go on in it. */
  const talk = async ({ video, headers = newGuest() }: { video?: string; headers?: Record<string, string> } = {}) => {
    const ask = asking(api.stack.url, { headers })
    const about = video ?? (await withTranscript())
    const { id } = (await ask('POST', '/v2/conversations', { json: { video_id: about } })).json()
    return {
      id: id as number,
      video: about,
      headers,
      ask,
      say: (message: unknown, more: Record<string, string> = {}) => send(api.stack.url, id, message, { ...headers, ...more }),
      heard: async (message: string) => (await send(api.stack.url, id, message, headers)).rest(),
      messages: async (): Promise<[string, string][]> =>
        (await ask('GET', `/v2/conversations/${id}/messages`))
          .json()
          .map(({ role, content }: Record<string, string>) => [role, content]),
      events: () => api.eventsOf(`conversation-${id}`),
    }
  }
  const bobs = {
    get headers() {
      return { Authorization: `Bearer ${bob.token}` }
    },
  }

  it('streams what the model says, each piece in a frame of its own, and ends with [DONE]', async () => {
    model.answer(() => ['Never ', 'gonna "give"\n', 'you é\u2028😀 up', ' \\[0:00]'])
    const { id, say, ask } = await talk()
    const heard = await say(' \u3000What?\n')
    expect(heard.head.status).to.equal(200)
    expect(heard.head.header('content-type')).to.equal('text/event-stream; charset=utf-8')
    expect(heard.head.header('cache-control')).to.equal('no-cache')
    expect(await heard.rest()).to.deep.equal([
      'data: {"content": "Never "}\n\n',
      'data: {"content": "gonna \\"give\\"\\n"}\n\n',
      'data: {"content": "you \\u00e9\\u2028\\ud83d\\ude00 up"}\n\n',
      'data: {"content": " \\\\[0:00]"}\n\n',
      'data: [DONE]\n\n',
    ])
    const [question, answer, ...more] = (await ask('GET', `/v2/conversations/${id}/messages`)).json()
    expect(more).to.deep.equal([])
    for (const { created_at } of [question, answer]) expect(created_at).to.match(A_TIME)
    expect(question).to.deep.include({ conversation_id: id, role: 'user', content: 'What?', metadata: null })
    expect(answer).to.deep.include({
      conversation_id: id,
      role: 'assistant',
      content: 'Never gonna "give"\nyou é\u2028😀 up \\[0:00]',
      metadata: null,
    })
    expect(Object.keys(answer)).to.deep.equal(['id', 'conversation_id', 'role', 'content', 'metadata', 'created_at'])
  })

  it('reads alike for a client that gets it in pieces cut anywhere, and for one that reads chunk by chunk', async () => {
    model.answer(() => ['é😀', '\n\ndata: ', '"}'])
    const frames = await (await talk()).heard('x')
    const wire = Buffer.from(frames.join(''))
    const told = frames.map((one) => /^data: (.+)\n\n$/.exec(one)![1])
    for (let at = 0; at <= wire.length; at++) {
      let text = ''
      const lines: string[] = []
      for (const piece of [wire.subarray(0, at), wire.subarray(at)]) {
        text += piece.toString('latin1')
        const whole = text.split('\n\n')
        text = whole.pop()!
        lines.push(...whole)
      }
      expect([lines.map((line) => line.slice('data: '.length)), text]).to.deep.equal([told, ''])
    }
    expect(
      told
        .slice(0, -1)
        .map((one) => JSON.parse(one!).content)
        .join(''),
    ).to.equal('é😀\n\ndata: "}')
  })

  it('asks the model with the last ten messages and the transcript', async () => {
    const video = await withTranscript()
    await bob.ask('POST', `/v2/videos/${video}/notes`, { json: { timestamp: '0:01', video_title: 'Never\nGonna' } })
    const { heard, messages } = await talk({ video, headers: bobs.headers })
    let n = 0
    model.answer(() => [`answer ${++n}`])
    for (let i = 1; i <= 6; i++) expect(await heard(`question ${i}`)).to.deep.equal([content(`answer ${i}`), DONE])
    expect(await messages()).to.have.length(12)
    const { path, headers, body } = model.asked.at(-1)!
    expect(path).to.equal('/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse')
    expect(headers['x-goog-api-key']).to.equal('a key that only tests use')
    expect(body.contents).to.deep.equal(
      (await messages()).slice(1, 11).map(([role, text]) => ({ role: role === 'user' ? 'user' : 'model', parts: [{ text }] })),
    )
    expect(body.generationConfig).to.deep.equal({ maxOutputTokens: 4096 })
    expect(body.systemInstruction.role).to.equal('user')
    const [{ text }, ...more] = body.systemInstruction.parts
    expect(more).to.deep.equal([])
    expect(text).to.match(/^You are Wiz, .*"Never Gonna"/)
    expect(text).to.include('[mm:ss]')
    expect(text.slice(text.indexOf('\n\nTranscript:'))).to.equal(
      '\n\nTranscript:\n0:00 We’re no strangers\n1:05 to love\n61:40 never gonna',
    )
    expect(text).not.to.include('nobody knows when')
  })

  it('calls a video without a title what it is', async () => {
    await (await talk()).heard('x')
    expect(model.asked[0]!.body.systemInstruction.parts[0].text).to.include('"this video"')
  })

  it('answers from the newest transcript', async () => {
    const { video, heard } = await talk()
    await heard('x')
    await api.worker('POST', `/v2/internal/videos/${video}/transcript`, { json: { transcript: [{ offset: 1, text: 'newer' }] } })
    await heard('x')
    expect(model.asked.map(({ body }) => body.systemInstruction.parts[0].text.includes('0:01 newer'))).to.deep.equal([
      false,
      true,
    ])
  })

  it('keeps letters whole that the model cuts in two, and leaves out what cannot be kept', async () => {
    model.answer(() => ['a\ud83d', '\ude00b', '\0', 'c\ud83d', 'd', 'e\ud83d'])
    const { heard, messages } = await talk()
    expect(await heard('x')).to.deep.equal([
      ...['"a"', '"\\ud83d\\ude00b"', '"c"', '"\\ufffdd"', '"e"', '"\\ufffd"'].map((text) => frame(`{"content": ${text}}`)),
      DONE,
    ])
    expect((await messages())[1]).to.deep.equal(['assistant', 'a😀bc\ufffdde\ufffd'])
  })

  describe('is refused, in this order,', () => {
    it('for what cannot be read, for who asks, for what is asked for, for the body', async () => {
      const { id, ask } = await talk()
      const post = (body: unknown, who = ask, to: unknown = id) =>
        who('POST', `/v2/conversations/${to}/messages`, typeof body === 'string' ? { body } : { json: body })
      expect(problems(await post('{', api.ask))[0]![1]).to.equal('json_invalid')
      expect(seen(await post({ message: 1 }, api.ask))).to.deep.equal(refusal(401, 'Missing Auth or Guest ID'))
      for (const body of [{ message: 1 }, {}, { message: 'x' }, { message: 'x', more: 1 }]) {
        expect(seen(await post(body, bob.ask)), 'another’s').to.deep.equal(NOT_FOUND)
        expect(seen(await post(body, ask, 999_999_999))).to.deep.equal(NOT_FOUND)
      }
      expect(problems(await post({ message: 1 }, ask, 0)).map(([field]) => field)).to.deep.equal([
        'path.conversation_id',
        'body.message',
      ])
      expect(problems(await post({ message: 1, more: 2 }))).to.deep.equal([noString('body.message'), extra('body.more')])
      expect(problems(await post({}))).to.deep.equal([required('body.message')])
      for (const message of ['', ' \n\u2003\u0085'])
        expect(problems(await post({ message }))).to.deep.equal([wrong('body.message', 'message cannot be empty')])
      expect(problems(await post({ message: '\0' }))[0]![1]).to.equal('value_error')
      expect(model.asked).to.have.length(0)
    })

    it('for the quota, for a transcript that is not there yet, for one that is gone', async () => {
      const video = newVideo()
      const { say, messages } = await talk({ video })
      const processing = [202, '{"status":"processing","message":"Transcript processing"}']
      expect(seen((await say('x')).head)).to.deep.equal(processing)
      await api.worker('POST', `/v2/internal/videos/${video}/transcript`, { json: { transcript: [] } })
      expect(seen((await say('x')).head)).to.deep.equal(processing)
      await api.worker('POST', `/v2/internal/videos/${video}/transcript`, { json: { transcript: ROWS } })
      const { rmSync } = await import('node:fs')
      rmSync(`${api.stack.dataFolder}/objects/transcripts/${video}.json`)
      expect(seen((await say('x')).head)).to.deep.equal(refusal(404, 'Transcript data missing'))
      expect(await messages(), 'nothing was saved').to.deep.equal([])

      const headers = newGuest()
      const there = await talk({ headers })
      for (let i = 0; i < GUESTS_A_DAY; i++) await there.heard('x')
      const later = await talk({ headers, video: newVideo() })
      const { head } = await later.say('x')
      const { error } = head.json()
      expect([head.status, error.code, error.message]).to.deep.equal([
        429,
        'RATE_LIMIT_EXCEEDED',
        'Daily limit reached (5 guest messages/day)',
      ])
      expect(Object.keys(error.details)).to.deep.equal(['reset_in_seconds'])
      const untilMidnight = 86_400 - (Math.floor(Date.now() / 1000) % 86_400)
      expect(error.details.reset_in_seconds).to.be.within(untilMidnight - 2, untilMidnight + 2)
      expect(head.header('retry-after')).to.equal(String(error.details.reset_in_seconds))
    })
  })

  describe('when the model fails', () => {
    const quotaLeft = async (headers: Record<string, string>) => {
      const { say } = await talk({ headers })
      model.answer(() => ['x'])
      for (let left = 0; ; left++) {
        const heard = await say('x')
        if (heard.head.status === 429) return left
        await heard.rest()
      }
    }

    it('before its first word: says so, keeps the message, and does not count it', async () => {
      const refusals = [
        { status: 503, message: 'overloaded' },
        { status: 401, message: 'bad key' },
      ]
      const headers = newGuest()
      for (const one of refusals) {
        model.answer(() => one)
        const { heard, messages, events } = await talk({ headers })
        expect(await heard('x')).to.deep.equal([FAILED, DONE])
        expect(await messages()).to.deep.equal([['user', 'x']])
        expect(await events()).to.deep.equal(['ConversationStarted', 'MessageSent', 'ReplyFailed'])
      }
      expect(await quotaLeft(headers)).to.equal(GUESTS_A_DAY)
    })

    it('in the middle: what was said stays said, nothing of it is kept, and the message counts', async () => {
      const cut = Promise.withResolvers<never>()
      model.answer(async function* () {
        yield 'a'
        yield 'b'
        await cut.promise
      })
      const headers = newGuest()
      const { say, messages } = await talk({ headers })
      const heard = await say('x')
      for (const said of ['a', 'b']) expect(await heard.next()).to.equal(content(said))
      cut.reject(new Error('cut'))
      expect(await heard.rest()).to.deep.equal([FAILED, DONE])
      expect(await messages()).to.deep.equal([['user', 'x']])
      expect(await quotaLeft(headers)).to.equal(GUESTS_A_DAY - 1)
    })

    it('by saying nothing: asks to try again, keeps no answer, and does not count the message', async () => {
      const headers = newGuest()
      const { heard, messages } = await talk({ headers })
      model.answer(() => [])
      expect(await heard('x')).to.deep.equal([EMPTY, DONE])
      model.answer(() => ['', ' \n'])
      expect(await heard('y')).to.deep.equal([content(' \n'), EMPTY, DONE])
      expect(await messages()).to.deep.equal([
        ['user', 'x'],
        ['user', 'y'],
      ])
      expect(await quotaLeft(headers)).to.equal(GUESTS_A_DAY)
    })

    it('shows the model both messages next time', async () => {
      const { heard } = await talk()
      model.answer(() => [])
      await heard('first')
      model.answer(() => ['ok'])
      await heard('second')
      expect(model.asked.at(-1)!.body.contents.map(({ parts }: { parts: { text: string }[] }) => parts[0]!.text)).to.deep.equal([
        'first',
        'second',
      ])
    })
  })

  /** A model that waits for a word to go on. */
  const paced = () => {
    const gates = { go: () => {}, asked: [] as Asked[] }
    model.answer(async function* (asked) {
      gates.asked.push(asked)
      yield 'one '
      await new Promise<void>((resolve) => {
        gates.go = resolve
      })
      yield 'two'
    })
    return gates
  }

  it('goes on when its client leaves, and keeps the answer', async () => {
    const gates = paced()
    const { say, messages } = await talk()
    const heard = await say('x')
    expect(await heard.next()).to.equal(content('one '))
    heard.connection.socket.resetAndDestroy()
    await eventually(async () => expect((await api.ask('GET', '/health')).status).to.equal(200))
    expect(gates.asked[0]!.hungUp.aborted).to.equal(false)
    gates.go()
    await eventually(async () =>
      expect(await messages()).to.deep.equal([
        ['user', 'x'],
        ['assistant', 'one two'],
      ]),
    )
  })

  it('answers several messages of one conversation at once, each to who sent it', async () => {
    model.answer(({ body }) => [`answer to ${body.contents.at(-1).parts[0].text}`])
    const { heard, messages } = await talk()
    const all = await Promise.all(Array.from({ length: GUESTS_A_DAY }, (_, i) => heard(`q${i}`)))
    expect(all).to.deep.equal(all.map((_, i) => [content(`answer to q${i}`), DONE]))
    expect((await messages()).filter(([role]) => role === 'assistant').map(([, text]) => text)).to.have.members(
      all.map((_, i) => `answer to q${i}`),
    )
  })

  describe('again under the same Idempotency-Key', () => {
    const once = { 'Idempotency-Key': 'once' }

    it('gives the same answer, asks the model no second time, and does not count', async () => {
      const { say, messages, heard } = await talk()
      model.answer(() => ['a', 'b'])
      expect(await (await say('x', once)).rest()).to.deep.equal([content('a'), content('b'), DONE])
      for (let i = 1; i < GUESTS_A_DAY; i++) await heard('more')
      expect((await say('more')).head.status).to.equal(429)
      const asked = model.asked.length
      const again = await say('x', once)
      expect([again.head.status, again.head.header('idempotency-replayed')]).to.deep.equal([200, 'true'])
      expect(await again.rest()).to.deep.equal([content('ab'), DONE])
      expect((await say('y', once)).head.status, 'with another message').to.equal(422)
      expect(model.asked.length).to.equal(asked)
      expect((await messages()).filter(([, text]) => text === 'x')).to.have.length(1)
    })

    it('hears the reply that is on its way', async () => {
      const gates = paced()
      const { say } = await talk()
      const first = await say('x', once)
      await first.next()
      first.connection.socket.destroy()
      const second = await say('x', once)
      expect(await second.next()).to.equal(content('one '))
      gates.go()
      expect(await second.rest()).to.deep.equal([content('two'), DONE])
      expect(gates.asked).to.have.length(1)
    })

    it('says that it failed, if it did', async () => {
      model.answer(() => ({ status: 500, message: 'x' }))
      const { say } = await talk()
      for (let i = 0; i < 2; i++) expect(await (await say('x', once)).rest()).to.deep.equal([FAILED, DONE])
    })
  })

  it('tells no log line the key, nor what is said', async () => {
    model.answer(() => ({ status: 400, message: 'no, a key that only tests use' }))
    await (await talk()).heard('a very private question')
    await eventually(() => expect(api.stack.output.join('\n')).to.include('a reply failed'))
    expect(api.stack.output.join('\n')).not.to.match(/a key that only tests use|a very private question/)
  })
})
