import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { openAnswerer } from '#platform/llm/answerer.ts'
import { type Answerer, objectOf, openFormed, type Question } from '#platform/llm/formed.ts'
import { eventually } from '#test/kit/eventually.ts'
import { type ModelServer, type Script, startModelServer, UNWILLING } from '#test/kit/model-server.ts'
import { failureOf } from './failure.ts'

const KEY = 'AIza-a-key-that-only-tests-use'
const question: Question = { instructions: 'Be brief.', text: 'What is it about? é😀', maxTokens: 4096 }
const never = new AbortController().signal

interface Asking {
  apiKey: string
  model: string
  timeoutMs: number
}

const providers: Record<string, (url: string, asking: Asking) => Promise<Answerer>> = {
  anthropic: (url, asking) => openFormed({ provider: 'anthropic', url: `${url}/`, ...asking }),
  gemini: (url, asking) => openAnswerer({ provider: 'gemini', url: `${url}/`, ...asking }),
  openai: (url, asking) => openAnswerer({ provider: 'openai', url: `${url}/v1/responses`, ...asking }),
  openrouter: (url, asking) => openAnswerer({ provider: 'openrouter', url: `${url}/api/v1`, ...asking }),
}

describe('asking a model for a whole answer', () => {
  let server: ModelServer
  beforeEach(async () => {
    server = await startModelServer()
  })
  afterEach(() => server.stop())

  const modelOf = (provider: string, timeoutMs = 60_000) =>
    providers[provider]!(server.url, { apiKey: KEY, model: 'a-model', timeoutMs })
  const failure = (answer: Promise<string>) => failureOf(answer, KEY)

  for (const provider of Object.keys(providers))
    describe(`of ${provider}`, () => {
      it('gives all that it says', async () => {
        server.answer(() => ['Never ', 'gonna é😀'])
        expect(await (await modelOf(provider)).answer(question, never)).to.equal('Never gonna é😀')
        server.answer(() => [])
        expect(await (await modelOf(provider)).answer(question, never)).to.equal('')
      })

      it('says whether trying again can help, asks once only, and never tells the key', async () => {
        const cases: [Script, { isTemporary: boolean; message: RegExp }][] = [
          [() => ({ status: 429, message: 'quota' }), { isTemporary: true, message: /quota/ }],
          [() => ({ status: 503, message: `overloaded, says ${KEY}` }), { isTemporary: true, message: /overloaded, says …/ }],
          [() => ({ status: 400, message: 'no such model' }), { isTemporary: false, message: /no such model/ }],
          [
            () => ({ status: 401, message: `Incorrect API key provided: ${KEY}` }),
            { isTemporary: false, message: /refused the API key \(401\)$/ },
          ],
          [
            async function* () {
              yield 'a'
              throw new Error('cut')
            },
            { isTemporary: true, message: /failed/ },
          ],
        ]
        const model = await modelOf(provider)
        for (const [script, { isTemporary, message }] of cases) {
          server.answer(script)
          const before = server.asked.length
          const error = await failure(model.answer(question, never))
          expect(error.message).to.match(message)
          expect(error.isTemporary, error.message).to.equal(isTemporary)
          expect(server.asked.length - before).to.equal(1)
        }
      })

      if (provider !== 'openrouter')
        it('says that it refuses to answer, which does not pass', async () => {
          server.answer(() => UNWILLING)
          const error = await failure((await modelOf(provider)).answer(question, never))
          expect([error.isTemporary, error.status]).to.deep.equal([false, undefined])
        })

      it('gives up in time, which may pass, and hangs up', async () => {
        server.answer(async function* ({ hungUp }) {
          await delay(60_000, undefined, { signal: hungUp }).catch(() => {})
          yield 'too late'
        })
        const error = await failure((await modelOf(provider, 100)).answer(question, never))
        expect(error.message).to.equal('a-model did not answer within 0.1 s')
        expect(error.isTemporary).to.equal(true)
        await eventually(() => expect(server.asked.at(-1)!.hungUp.aborted).to.equal(true))
      })

      it('stops when told to', async () => {
        server.answer(async function* ({ hungUp }) {
          await delay(60_000, undefined, { signal: hungUp }).catch(() => {})
          yield 'too late'
        })
        const enough = new AbortController()
        const told = (await modelOf(provider)).answer(question, enough.signal).catch((error) => error)
        await eventually(() => expect(server.asked).to.have.length(1))
        enough.abort(new Error('enough'))
        expect((await told).message).to.equal('enough')
      })
    })

  it('of Gemini asks as its API wants to be asked', async () => {
    await (await modelOf('gemini')).answer(question, never)
    const [{ path, headers, body }] = server.asked as [ModelServer['asked'][0]]
    expect(path).to.equal('/v1beta/models/a-model:generateContent')
    expect(headers).to.include({ 'x-goog-api-key': KEY, 'content-type': 'application/json' })
    expect(body).to.deep.equal({
      contents: [{ role: 'user', parts: [{ text: question.text }] }],
      generationConfig: { maxOutputTokens: 4096 },
      safetySettings: [],
      systemInstruction: { role: 'user', parts: [{ text: 'Be brief.' }] },
    })
  })

  it('of OpenAI asks the Responses API at the very address it was given', async () => {
    await (await modelOf('openai')).answer(question, never)
    const [{ path, headers, body }] = server.asked as [ModelServer['asked'][0]]
    expect(path).to.equal('/v1/responses')
    expect(headers.authorization).to.equal(`Bearer ${KEY}`)
    expect(body).to.deep.equal({
      model: 'a-model',
      instructions: 'Be brief.',
      input: question.text,
      max_output_tokens: 4096,
      store: false,
    })
  })

  it('of Anthropic asks as its API wants to be asked', async () => {
    await (await modelOf('anthropic')).answer(question, never)
    const [{ path, headers, body }] = server.asked as [ModelServer['asked'][0]]
    expect(path).to.equal('/v1/messages')
    expect(headers).to.include({ authorization: `Bearer ${KEY}`, 'content-type': 'application/json' })
    expect(body).to.deep.equal({
      model: 'a-model',
      max_tokens: 4096,
      system: 'Be brief.',
      messages: [{ role: 'user', content: question.text }],
    })
  })

  describe('in a form', () => {
    const cards = objectOf({
      cards: { type: 'array', items: objectOf({ front: { type: 'string' }, place: { type: 'integer' } }) },
    })
    const formed: Question = { ...question, form: { name: 'cards', schema: cards } }
    const bodyFor = async (provider: string) => {
      await (await modelOf(provider)).answer(formed, never)
      return server.asked.at(-1)!.body
    }

    it('gives each provider its own kind of schema', async () => {
      expect((await bodyFor('anthropic')).output_config).to.deep.equal({ format: { type: 'json_schema', schema: cards } })
      expect((await bodyFor('openai')).text).to.deep.equal({
        format: { type: 'json_schema', name: 'cards', schema: cards, strict: true },
      })
      const { responseMimeType, responseSchema } = (await bodyFor('gemini')).generationConfig
      expect(responseMimeType).to.equal('application/json')
      expect(responseSchema).to.deep.equal({
        type: 'object',
        required: ['cards'],
        propertyOrdering: ['cards'],
        properties: {
          cards: {
            type: 'array',
            items: {
              type: 'object',
              required: ['front', 'place'],
              propertyOrdering: ['front', 'place'],
              properties: { front: { type: 'string' }, place: { type: 'integer' } },
            },
          },
        },
      })
    })

    it('is not asked of OpenRouter', async () => {
      const error = await failure((await modelOf('openrouter')).answer(formed, never))
      expect(error.isTemporary).to.equal(false)
      expect(server.asked).to.be.empty
    })
  })
})
