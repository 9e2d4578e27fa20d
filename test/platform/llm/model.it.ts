import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { readSettings } from '#platform/config/settings.ts'
import { openLlm, type ReplyRequest } from '#platform/llm/open.ts'
import { patient } from '#platform/llm/patience.ts'
import { eventually } from '#test/kit/eventually.ts'
import { type ModelServer, type Script, startModelServer } from '#test/kit/model-server.ts'
import { failureOf } from './failure.ts'

const KEY = 'AIza-a-key-that-only-tests-use'
const request: ReplyRequest = {
  instructions: 'Be brief.',
  messages: [
    { from: 'user', text: 'Hi' },
    { from: 'model', text: 'Hello' },
    { from: 'user', text: 'What is it about? é😀' },
  ],
  maxTokens: 4096,
}
const never = new AbortController().signal

const providers: Record<string, (url: string) => NodeJS.ProcessEnv> = {
  Gemini: (url) => ({ GEMINI_API_KEY: KEY, GEMINI_BASE_URL: `${url}/` }),
  OpenAI: (url) => ({ LLM_PROVIDER: 'openai', OPENAI_API_KEY: KEY, OPENAI_BASE_URL: `${url}/v1` }),
  OpenRouter: (url) => ({ LLM_PROVIDER: 'openrouter', OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: `${url}/api/v1/` }),
}

describe('asking a model', () => {
  let server: ModelServer
  beforeEach(async () => {
    server = await startModelServer()
  })
  afterEach(() => server.stop())

  const modelOf = async (provider: string) => (await openLlm(readSettings(providers[provider]!(server.url)))).model!
  const all = async (words: AsyncIterable<string>) => {
    const said: string[] = []
    for await (const word of words) said.push(word)
    return said
  }
  const failure = (words: AsyncIterable<string>) => failureOf(all(words), KEY)

  for (const provider of Object.keys(providers))
    describe(`of ${provider}`, () => {
      it('hands on its words as they come', async () => {
        const heard: string[] = []
        server.answer(async function* () {
          for (const word of ['Never ', 'gonna é😀', ' \n', 'give']) {
            yield word
            await eventually(() => expect(heard).to.include(word), { everyMs: 1 })
          }
        })
        for await (const word of (await modelOf(provider)).reply(request, never)) heard.push(word)
        expect(heard).to.deep.equal(['Never ', 'gonna é😀', ' \n', 'give'])
      })

      it('hands on no empty piece, and nothing of an answer without words', async () => {
        server.answer(() => ['', 'a', '', 'b'])
        expect(await all((await modelOf(provider)).reply(request, never))).to.deep.equal(['a', 'b'])
        server.answer(() => [])
        expect(await all((await modelOf(provider)).reply(request, never))).to.deep.equal([])
      })

      it('says what went wrong, without the key', async () => {
        const cases: [Script, RegExp][] = [
          [() => ({ status: 503, message: `overloaded, says ${KEY}` }), /overloaded, says …/],
          [() => ({ status: 429, message: 'quota' }), /quota/],
          [() => ({ status: 401, message: `Incorrect API key provided: ${KEY}` }), /refused the API key \(401\)$/],
          [
            async function* () {
              yield 'a'
              throw new Error('cut')
            },
            /failed/,
          ],
        ]
        for (const [script, message] of cases) {
          server.answer(script)
          expect((await failure((await modelOf(provider)).reply(request, never))).message).to.match(message)
        }
        const model = await modelOf(provider)
        await server.stop()
        expect((await failure(model.reply(request, never))).message).to.match(/failed/)
        server = await startModelServer()
      })

      it('stops asking when told to, before the first word and later', async () => {
        const model = await modelOf(provider)
        for (const words of [[], ['one']]) {
          server.answer(async function* ({ hungUp }) {
            yield* words
            await delay(60_000, undefined, { signal: hungUp }).catch(() => {})
          })
          const enough = new AbortController()
          const told = all(model.reply(request, enough.signal)).catch((error) => error)
          await eventually(() => expect(server.asked).to.have.length.greaterThan(0))
          enough.abort(new Error('enough'))
          expect((await told).message).to.equal('enough')
          await eventually(() => expect(server.asked.at(-1)!.hungUp.aborted).to.equal(true))
        }
        const before = server.asked.length
        expect((await all(model.reply(request, AbortSignal.abort(new Error('too late')))).catch((e) => e)).message).to.equal(
          'too late',
        )
        expect(server.asked.length).to.equal(before)
      })

      it('is missing without a key', async () => {
        const settings = Object.fromEntries(
          Object.entries(providers[provider]!(server.url)).filter(([name]) => !name.endsWith('KEY')),
        )
        expect(await openLlm(readSettings(settings))).to.deep.equal({ provider, model: undefined })
      })
    })

  it('of Gemini asks as its API wants to be asked', async () => {
    await all((await modelOf('Gemini')).reply(request, never))
    const [{ path, headers, body }] = server.asked as [ModelServer['asked'][0]]
    expect(path).to.equal('/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse')
    expect(headers).to.include({ 'x-goog-api-key': KEY, 'content-type': 'application/json' })
    expect(body).to.deep.equal({
      contents: [
        { role: 'user', parts: [{ text: 'Hi' }] },
        { role: 'model', parts: [{ text: 'Hello' }] },
        { role: 'user', parts: [{ text: 'What is it about? é😀' }] },
      ],
      generationConfig: { maxOutputTokens: 4096 },
      safetySettings: [],
      systemInstruction: { role: 'user', parts: [{ text: 'Be brief.' }] },
    })
  })

  it('of others asks as OpenAI wants to be asked', async () => {
    await all((await modelOf('OpenRouter')).reply(request, never))
    const [{ path, headers, body }] = server.asked as [ModelServer['asked'][0]]
    expect(path).to.equal('/api/v1/chat/completions')
    expect(headers.authorization).to.equal(`Bearer ${KEY}`)
    expect(body).to.deep.equal({
      model: 'google/gemini-2.5-flash',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello' },
        { role: 'user', content: 'What is it about? é😀' },
      ],
      stream: true,
      max_tokens: 4096,
    })
  })

  describe('with patience', () => {
    const stubborn = (script: Script) => {
      server.answer(script)
      return (patience: { silenceMs: number; replyMs: number }) =>
        modelOf('Gemini').then((model) => patient(model, patience).reply(request, never))
    }

    it('gives up on one that says nothing, and hangs up', async () => {
      const ask = stubborn(async function* ({ hungUp }) {
        yield 'one'
        await delay(60_000, undefined, { signal: hungUp }).catch(() => {})
      })
      expect((await failure(await ask({ silenceMs: 50, replyMs: 60_000 }))).message).to.equal(
        'gemini-2.5-flash was silent for 0.05 s',
      )
      await eventually(() => expect(server.asked[0]!.hungUp.aborted).to.equal(true))
    })

    it('gives up on one that never comes to an end', async () => {
      const ask = stubborn(async function* ({ hungUp }) {
        while (!hungUp.aborted) {
          yield 'and '
          await delay(5)
        }
      })
      expect((await failure(await ask({ silenceMs: 60_000, replyMs: 100 }))).message).to.equal(
        'gemini-2.5-flash took more than 0.1 s',
      )
    })

    it('gives up even when what asks the model does not listen', async () => {
      const deaf = {
        name: 'deaf',
        windowTokens: 1,
        reply: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }),
      }
      await failure(patient(deaf, { silenceMs: 20, replyMs: 60_000 }).reply(request, never))
      const told = AbortSignal.timeout(20)
      expect(
        (await all(patient(deaf, { silenceMs: 60_000, replyMs: 60_000 }).reply(request, told)).catch((e) => e)).name,
      ).to.equal('TimeoutError')
    })

    it('asks nothing when it is told beforehand that nobody waits', async () => {
      const told = AbortSignal.abort(new Error('too late'))
      const words = patient(await modelOf('Gemini'), { silenceMs: 60_000, replyMs: 60_000 }).reply(request, told)
      expect((await all(words).catch((error) => error)).message).to.equal('too late')
      expect(server.asked).to.have.length(0)
    })

    it('hangs up when nobody wants more words', async () => {
      const ask = stubborn(async function* ({ hungUp }) {
        while (!hungUp.aborted) {
          yield 'and '
          await delay(5)
        }
      })
      for await (const _ of await ask({ silenceMs: 60_000, replyMs: 60_000 })) break
      await eventually(() => expect(server.asked[0]!.hungUp.aborted).to.equal(true))
    })
  })
})
