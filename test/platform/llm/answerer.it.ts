import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { type AnswererOptions, openAnswerer, type Question } from '#platform/llm/answerer.ts'
import { eventually } from '#test/kit/eventually.ts'
import { type ModelServer, type Script, startModelServer } from '#test/kit/model-server.ts'
import { failureOf } from './failure.ts'

const KEY = 'AIza-a-key-that-only-tests-use'
const question: Question = { instructions: 'Be brief.', text: 'What is it about? é😀', maxTokens: 4096 }
const never = new AbortController().signal

const providers: Record<AnswererOptions['provider'], (url: string) => string> = {
  anthropic: (url) => `${url}/`,
  gemini: (url) => `${url}/`,
  openai: (url) => `${url}/v1/responses`,
  openrouter: (url) => `${url}/api/v1`,
}

describe('asking a model for a whole answer', () => {
  let server: ModelServer
  beforeEach(async () => {
    server = await startModelServer()
  })
  afterEach(() => server.stop())

  const modelOf = (provider: string, timeoutMs = 60_000) => {
    const known = provider as AnswererOptions['provider']
    return openAnswerer({ provider: known, apiKey: KEY, model: 'a-model', url: providers[known](server.url), timeoutMs })
  }
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
})
