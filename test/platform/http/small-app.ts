import { Writable } from 'node:stream'
import { pino } from 'pino'
import { z } from 'zod'
import { type EdgeOptions, edge } from '#platform/http/edge.ts'
import { failure } from '#platform/http/errors.ts'
import { boolean, integer, text } from '#platform/http/fields.ts'
import { JsonText } from '#platform/http/json.ts'
import type { Request } from '#platform/http/request.ts'
import { Answer, type Guard, noContent, routesOf } from '#platform/http/route.ts'
import { type ServeOptions, serve } from '#platform/http/server.ts'
import { EventStream, eventStream, type Out } from '#platform/http/stream.ts'
import { open, type RawAnswer, written } from './raw.ts'

/** What happens in the small application when its `/gate` is asked: it answers when it is told to. */
interface Gates {
  entered(): void
  opened: Promise<unknown>
  /** Called when `/precious` was answered in vain. */
  undelivered(): void
  /** What `/stream` sends. */
  stream(out: Out): Promise<void>
}

interface Tools {
  gates: Gates
}

const route = routesOf<Gates, Tools>()

/** `Bearer sesame` may pass. */
const sesame: Guard<Gates, { name: string }> = async (request) => {
  if (request.headers.authorization !== 'Bearer sesame') throw failure(401, 'UNAUTHORIZED', 'Who are you?')
  request.actor = 'user-7'
  return { name: 'ali' }
}

const Anything = z.unknown()
const Thing = z.object({ thing: integer({ min: 1 }) })

class Foreseen extends Error {}

const routes = [
  route('GET', '/plain', { answers: { 200: z.object({ ok: z.boolean() }) } }, async () => ({ ok: true })),
  route(
    'POST',
    '/echo',
    { body: z.object({ text: text(), flag: boolean().nullish() }), answers: { 201: Anything } },
    async ({ body, request }) => {
      request.answerHeaders.push('X-Own', 'yes')
      return body
    },
  ),
  route(
    'PATCH',
    '/things/:thing',
    {
      auth: sesame,
      params: Thing,
      query: z.object({ sort: z.string().default('up'), page: integer({ min: 1 }).default(1) }),
      body: z.strictObject({ text: text() }),
      answers: { 200: Anything },
      precheck: ({ sort }) => {
        if (sort !== 'up') throw failure(400, 'BAD_REQUEST', 'Invalid sort')
      },
      exists: async ({ params }) => {
        if (params.thing !== 1) throw failure(404, 'NOT_FOUND', 'No such thing')
      },
    },
    async ({ user, params, query, body }) => ({ user, params, query, body }),
  ),
  route('DELETE', '/things/:thing', { auth: sesame, params: Thing, answers: { 200: Anything } }, async () => ({ gone: true })),
  route('POST', '/segment/special', { answers: { 200: Anything } }, async () => ({ special: true })),
  route(
    'GET',
    '/segment/:name',
    { answers: { 200: Anything }, params: z.object({ name: z.string() }) },
    async ({ params }) => params,
  ),
  route('GET', '/query', { answers: { 200: Anything }, query: z.record(z.string(), z.string()) }, async ({ query }) => query),
  route('GET', '/text', { answers: { 200: Anything } }, async () => new JsonText('{"n":12345678901234567890}')),
  route('GET', '/teapot', { answers: { 200: Anything, 418: Anything } }, async () => new Answer(418, { short: 'stout' })),
  route('GET', '/crash', { answers: { 200: Anything } }, async () => {
    throw Object.assign(new Error('boom'), { detail: 'Failing row contains (s3cret)' })
  }),
  route('GET', '/foreseen', { answers: { 200: Anything } }, async () => {
    throw new Foreseen('taken')
  }),
  route('GET', '/undeclared', { answers: { 200: z.object({ a: z.string(), b: z.string() }) } }, async () => ({ b: 'x', a: 'y' })),
  route('POST', '/gate', { body: z.object({}), answers: { 200: Anything } }, async ({ gates }) => {
    gates.entered()
    await gates.opened
    return { passed: true }
  }),
  route('GET', '/nothing', { answers: { 200: Anything, 204: noContent } }, async () => new Answer(204)),
  route('GET', '/patience', { answers: { 200: Anything } }, async ({ gates, request: { gone } }) => {
    gates.entered()
    await new Promise((resolve) => gone.addEventListener('abort', resolve))
    return { waited: true }
  }),
  route('GET', '/precious', { answers: { 200: Anything } }, async ({ gates }) => {
    gates.entered()
    await gates.opened
    return new Answer(200, { precious: true }, { undelivered: gates.undelivered })
  }),
  route('GET', '/stream', { answers: { 200: eventStream } }, async ({ gates, request }) => {
    request.answerHeaders.push('X-Own', 'yes')
    return new EventStream((out) => gates.stream(out))
  }),
  route('GET', '/late-stream', { answers: { 200: eventStream } }, async ({ gates }) => {
    gates.entered()
    await gates.opened
    return new EventStream((out) => gates.stream(out))
  }),
  route('GET', '/undeclared-stream', { answers: { 200: Anything } }, async () => new EventStream(async () => {})),
]

/** A small application on a real server, with what it logged. */
export async function smallApp(
  options: Partial<EdgeOptions<Gates, Tools>> = {},
  serving: Partial<ServeOptions> = {},
  stream: Gates['stream'] = async () => {},
) {
  const lines: string[] = []
  const log = pino({}, new Writable({ write: (line, _, done) => done(void lines.push(String(line))) }))
  const entered = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  const undelivered = Promise.withResolvers<void>()
  const gates: Gates = { entered: entered.resolve, opened: opened.promise, undelivered: undelivered.resolve, stream }
  const handler = edge<Gates, Tools>({
    routes,
    app: gates,
    tools: (_: Request) => ({ gates }),
    explain: (error) => (error instanceof Foreseen ? failure(409, 'CONFLICT', error.message) : undefined),
    log,
    exposedHeaders: ['X-Own'],
    checkAnswers: true,
    ...options,
  })
  const server = await serve(handler, { port: 0, host: '127.0.0.1', ...serving })

  /** Sends one request on a connection of its own. */
  const ask = async (
    method: string,
    target: string,
    headers: Record<string, string> = {},
    body?: string | Uint8Array,
  ): Promise<RawAnswer> => {
    const connection = await open(server.port)
    connection.write(written(method, target, { Connection: 'close', ...headers }, body))
    const answer = await connection.answer(method)
    connection.socket.destroy()
    return answer
  }
  return { ...server, ask, lines, entered: entered.promise, openGate: opened.resolve, undelivered: undelivered.promise }
}
