import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** A question as sent over HTTP. */
export interface Asked {
  path: string
  headers: IncomingMessage['headers']
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  body: any
  /** Aborts when the client has hung up. */
  hungUp: AbortSignal
}

/** Instead of an answer: the provider's error, before the first word. */
export interface Refusal {
  status: number
  message: string
}

/** Instead of an answer: the model refuses. Only for whole answers. */
export const UNWILLING = Symbol('unwilling')

/** The answer to a question: words, one after another; an exception cuts the connection. */
export type Script = (asked: Asked) => AsyncIterable<string> | Iterable<string> | Refusal | typeof UNWILLING

/** Local model servers that speak the providers' protocols, so that tests need no internet. */
export interface ModelServer {
  url: string
  asked: Asked[]
  /** Sets the script for all later questions. */
  answer(script: Script): void
  stop(): Promise<void>
}

/** A provider's streaming format. */
interface Wire {
  word(text: string): string
  end: string
  error(refusal: Refusal): unknown
}

/** A provider's format for whole answers. */
interface WholeWire {
  whole(text: string): unknown
  unwilling: unknown
  error(refusal: Refusal): unknown
}

const gemini: Wire = {
  word: (text) =>
    frame({ candidates: [{ content: { parts: [{ text }], role: 'model' }, index: 0 }], modelVersion: 'm' }, '\r\n\r\n'),
  end: frame(
    { candidates: [{ content: { parts: [{ text: '' }], role: 'model' }, finishReason: 'STOP', index: 0 }], usageMetadata: {} },
    '\r\n\r\n',
  ),
  error: ({ status: code, message }) => ({ error: { code, message, status: 'UNAVAILABLE' } }),
}

const openAi: Wire = {
  word: (content) => frame(chunk({ index: 0, delta: { content }, finish_reason: null })),
  end: `${frame(chunk({ index: 0, delta: {}, finish_reason: 'stop' }))}data: [DONE]\n\n`,
  error: ({ message }) => ({ error: { message, type: 'server_error', code: null } }),
}

const wholeGemini: WholeWire = {
  whole: (text) => ({
    candidates: [{ content: { parts: [{ text }], role: 'model' }, finishReason: 'STOP', index: 0 }],
    usageMetadata: {},
    modelVersion: 'm',
  }),
  unwilling: { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: {}, modelVersion: 'm' },
  error: gemini.error,
}

const openAiResponse = (content: object) => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  error: null,
  incomplete_details: null,
  model: 'm',
  output: [
    { id: 'rs_1', type: 'reasoning', summary: [] },
    { id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content: [content] },
  ],
})

const openAiResponses: WholeWire = {
  whole: (text) => openAiResponse({ type: 'output_text', text, annotations: [] }),
  unwilling: openAiResponse({ type: 'refusal', refusal: 'I cannot help with that.' }),
  error: openAi.error,
}

const anthropicMessage = (stop_reason: string, content: object[]) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content,
  stop_reason,
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
})

const anthropic: WholeWire = {
  whole: (text) =>
    anthropicMessage('end_turn', [
      { type: 'thinking', thinking: 'Let me see.', signature: 's' },
      { type: 'text', text },
    ]),
  unwilling: anthropicMessage('refusal', []),
  error: ({ message }) => ({ type: 'error', error: { type: 'api_error', message } }),
}

/** The format for a path. */
const wireOf = (path: string): Wire | WholeWire => {
  if (path.includes(':streamGenerateContent')) return gemini
  if (path.includes(':generateContent')) return wholeGemini
  if (path.endsWith('/messages')) return anthropic
  return path.endsWith('/responses') ? openAiResponses : openAi
}

/** Google escapes characters that JavaScript once took for line ends, and its library relies on that. */
function frame(data: unknown, end = '\n\n') {
  return `data: ${JSON.stringify(data).replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`)}${end}`
}

function chunk(choice: object) {
  return { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [choice] }
}

/**
 * Starts a server. It speaks Gemini's protocol under `/v1beta/…:streamGenerateContent` and `…:generateContent`, OpenAI's under
 * `/…/chat/completions` and `/…/responses`, and Anthropic's under `/v1/messages`.
 */
export async function startModelServer(): Promise<ModelServer> {
  const asked: Asked[] = []
  let script: Script = () => ['Hello.']
  const server = createServer((req, res) => void answer(req, res).catch(() => res.destroy()))

  async function answer(req: IncomingMessage, res: ServerResponse) {
    const gone = new AbortController()
    res.on('close', () => gone.abort())
    const path = req.url!
    const one: Asked = { path, headers: req.headers, body: await json(req), hungUp: gone.signal }
    asked.push(one)
    const wire = wireOf(path)
    const words = script(one)
    const whole = (status: number, answer: unknown) => {
      res.writeHead(status, { 'content-type': 'application/json' })
      res.end(JSON.stringify(answer))
    }
    if (words === UNWILLING) {
      if ('whole' in wire) return whole(200, wire.unwilling)
      throw new Error('only who is asked for a whole answer can be unwilling')
    }
    if ('status' in words) return whole(words.status, wire.error(words))
    if ('whole' in wire) {
      let text = ''
      for await (const word of words) text += word
      return whole(200, wire.whole(text))
    }
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.flushHeaders()
    for await (const word of words) res.write(wire.word(word))
    res.end(wire.end)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: (next) => {
      script = next
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
