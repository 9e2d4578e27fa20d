import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Router } from 'express'
import type { Logger } from 'pino'
import { accessLog, faultOf } from './access-log.ts'
import { Aborted, isJson, isLong, NOT_JSON, parseBody, readBody } from './body.ts'
import { type AddressOf, addressOf } from './client-address.ts'
import { hasAlready } from './conditional.ts'
import { Content } from './content.ts'
import { crossOrigin, isPreflight, preflight } from './cors.ts'
import { HttpError, internalError, methodNotAllowed, notFound } from './errors.ts'
import { awaitsContinue, headProblem, isLastOfConnection } from './head.ts'
import { JsonText } from './json.ts'
import { presence } from './presence.ts'
import { Request } from './request.ts'
import { Answer, type Route } from './route.ts'
import { writtenAnswer } from './server.ts'
import { EventStream, isEventStream, STREAM_HEADERS, type StreamOptions, streams } from './stream.ts'
import { validate, validateLong } from './validate.ts'

export interface EdgeOptions<App, Tools> {
  routes: readonly Route<App, Tools>[]
  /** Passed to guards. */
  app: App
  /** Makes what handlers get in addition to their input, once for each request. */
  tools(request: Request, who: unknown): Tools
  /** Runs the handler of a route that reads views: waits until they are ready, and runs it again if they were not. */
  reading?(request: Request, reads: readonly string[], handle: () => Promise<unknown> | unknown): Promise<unknown>
  /** Turns an error of the application into an HttpError; undefined for an unexpected one. */
  explain?(error: unknown): HttpError | undefined
  log: Logger
  /** Called with only the headers, before anything else of a request is read. Throws when the client must wait. */
  admit?: ((request: Request) => Promise<void> | undefined) | undefined
  /** Called for each request when its answer begins, or with no status when the client disconnected before. */
  measure?: ((request: Request, status: number | undefined, elapsedMs: number) => void) | undefined
  /** Finds the client's address; the peer of the connection if not given. */
  addressOf?: AddressOf | undefined
  /** Maximum bytes of a request's body, even where its route allows more. */
  bodyLimitBytes?: number
  /** Headers that pages of other origins may read, in addition to `X-Request-ID` and `Retry-After`. */
  exposedHeaders?: readonly string[]
  /** False: pages of other origins may read nothing, and may send only what needs no preflight. */
  isCrossOrigin?: boolean
  /** Headers of every answer, names and values in turn. */
  usualHeaders?: readonly string[]
  /** Called first for every request with a valid head, also for one without a route. Throws an HttpError to refuse it. */
  screen?(request: Request): void
  /** Checks every answer against its declaration; for tests. */
  checkAnswers?: boolean
  streaming?: StreamOptions
}

/** Answers a request. */
export interface Handler {
  (req: IncomingMessage, res: ServerResponse): void
  /** The whole text of the answer to an unreadable request; the connection ends after it. */
  written(refusal: HttpError): string
  /** Called when the server stops: ends streams and answers that wait. */
  stopStreams?(): void
  /** The number of open streams. */
  openStreams?(): number
}

const DEFAULT_BODY_LIMIT_BYTES = 16 * 1024 * 1024
/** For routes without a limit of their own. */
const USUAL_BODY_LIMIT_BYTES = 1024 * 1024
/** A hundred times what people send; checking that many takes some 50 ms. */
const USUAL_BODY_LIMIT_PARTS = 50_000
const USUAL_HEADERS = ['Referrer-Policy', 'strict-origin-when-cross-origin']
const JSON_TYPE = ['Content-Type', 'application/json']
const TEXT_TYPE = ['Content-Type', 'text/plain; charset=utf-8']

/**
 * A request and its answer. The router gets this object instead of Node's own request, so that nothing has to be attached to Node's
 * objects; the router needs only `method` and `url`.
 */
interface Exchange {
  method: string
  url: string
  /** Set by the router. */
  params?: Record<string, string>
  req: IncomingMessage
  res: ServerResponse
  request: Request
  /** The path ended in a slash: a route that matches the path without it redirects the client. */
  redirected: boolean
  /** Methods of the routes that match the path, when none of them has the requested method. */
  allowed?: string[]
}

/** Turns declared routes into a handler of HTTP requests. */
export function edge<App, Tools extends object>(options: EdgeOptions<App, Tools>): Handler {
  const { app, tools, explain, log, admit, measure, checkAnswers, bodyLimitBytes = DEFAULT_BODY_LIMIT_BYTES } = options
  const { addressOf: from = addressOf(0) } = options
  const { isCrossOrigin = true, usualHeaders = USUAL_HEADERS, screen } = options
  const cors = isCrossOrigin ? crossOrigin(['X-Request-ID', 'Retry-After', ...(options.exposedHeaders ?? [])]) : () => []
  const open = streams(options.streaming)
  const present = presence()

  // Paths differ by case and by a final slash.
  const router = Router({ caseSensitive: true, strict: true })
  for (const [path, routes] of Map.groupBy(options.routes, (route) => route.path)) {
    const byMethod = new Map(routes.map((route) => [route.method, route]))
    router.route(path).all((routed: unknown, _: unknown, next: () => void) => {
      const exchange = routed as Exchange
      const route = byMethod.get(exchange.method)
      exchange.request.route ??= path
      if (exchange.redirected) return redirect(exchange)
      if (!route) {
        // Another pattern may match as well: `/notes/by-title` also matches `/notes/:note_id`.
        exchange.allowed = [...(exchange.allowed ?? []), ...byMethod.keys()]
        return next()
      }
      exchange.request.route = path
      run(route, exchange).catch((error) => fail(exchange, error))
    })
  }

  /** Runs a route. The order of the steps is part of the API: it decides which error a client gets. */
  async function run(route: Route<App, Tools>, exchange: Exchange) {
    const { request, req, res, params } = exchange
    const { spec } = route
    await admit?.(request)
    let known: { user: unknown } | undefined
    const authenticate = async () => {
      known ??= { user: await spec.auth?.(request, app) }
      return known.user
    }
    const raw: { params: unknown; query: unknown; body: unknown } = {
      params,
      query: spec.query && request.query,
      body: undefined,
    }
    const precheck = () => {
      const early = validate({ query: spec.query }, raw)
      if (!early.error) spec.precheck?.(early.input.query as never)
    }
    if (spec.body) {
      const limitBytes = Math.min(spec.bodyLimitBytes ?? USUAL_BODY_LIMIT_BYTES, bodyLimitBytes)
      const admitBody = () => {
        if (isAwaited) precheck()
        return authenticate()
      }
      const isAwaited = awaitsContinue(req)
      const invite = isAwaited ? () => res.writeContinue() : undefined
      const type = request.headers['content-type']
      // A client that waits for `100 Continue` need not send a body whose type is refused anyway. An empty body has no type to refuse.
      const isWanted = !isAwaited || isJson(type) || request.headers['content-length'] === '0'
      request.bytes = await readBody(req, { limitBytes, admit: admitBody, isWanted, invite })
      const maxParts = spec.bodyLimitParts ?? USUAL_BODY_LIMIT_PARTS
      raw.body = isWanted ? await parseBody(type, request.bytes, maxParts) : NOT_JSON
    }
    if (spec.precheck) precheck()
    const user = await authenticate()
    // Validated only after authentication, because checking a large body is expensive.
    const { body } = spec
    const checked = body && isLong(request.bytes!) ? await validateLong({ ...spec, body }, raw) : validate(spec, raw)
    const input = Object.assign(tools(request, user), checked.input, { request, user })
    if (checked.error) {
      if (spec.exists && checked.isOnlyBodyInvalid) await spec.exists(input)
      throw checked.error
    }
    const handle = () => route.handle(input)
    const result = await (spec.reads && options.reading ? options.reading(request, spec.reads, handle) : handle())
    if (result instanceof EventStream) stream(route, exchange, result)
    else succeed(route, exchange, result)
  }

  function stream(route: Route<App, Tools>, exchange: Exchange, { run }: EventStream) {
    if (checkAnswers) assertStream(route)
    const { request, res } = exchange
    writeHead(exchange, 200, STREAM_HEADERS)
    res.flushHeaders()
    void open.write(res, run, (error) =>
      log.error({ requestId: request.id, route: request.route, fault: faultOf(error) }, 'stream failed'),
    )
  }

  function succeed(route: Route<App, Tools>, exchange: Exchange, result: unknown) {
    const status = result instanceof Answer ? result.status : route.status
    if (result instanceof Answer && result.undelivered) onceUndelivered(exchange.res, result.undelivered)
    if (status === 204) return writeHead(exchange, 204, []).end()
    const body = result instanceof Answer ? result.body : result
    if (body instanceof Content) {
      if (checkAnswers) assertContent(route, status, body)
      if (body.body instanceof Readable) return pour(route, exchange, status, body, body.body)
      return complete(exchange, status, ['Content-Type', body.type, ...body.headers], body.body)
    }
    const json = body instanceof JsonText ? body.text : JSON.stringify(body)
    if (checkAnswers) assertAnswer(route, status, json)
    complete(exchange, status, JSON_TYPE, json)
  }

  /** Sends a body as fast as the client reads it. An error midway breaks the connection, so that no client takes a part for the whole. */
  function pour(route: Route<App, Tools>, exchange: Exchange, status: number, { type, headers }: Content, body: Readable) {
    const { request, res } = exchange
    writeHead(exchange, status, ['Content-Type', type, ...headers])
    pipeline(body, res).catch((error) => {
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE')
        log.error({ requestId: request.id, route: route.path, fault: faultOf(error) }, 'answer was cut')
    })
  }

  function complete(exchange: Exchange, status: number, headers: readonly string[], body: string | Buffer) {
    const { etag, method, headers: asked } = exchange.request
    if (etag === undefined) return send(exchange, status, headers, body)
    if (method === 'GET' && hasAlready(etag, asked)) return void writeHead(exchange, 304, ['ETag', etag]).end()
    send(exchange, status, [...headers, 'ETag', etag], body)
  }

  function fail(exchange: Exchange, error: unknown) {
    if (error instanceof Aborted) return
    const known = error instanceof HttpError ? error : explain?.(error)
    // An error with a cause is our fault and is logged, even when the client gets a proper answer.
    if (!known || known.cause !== undefined)
      log.error({ requestId: exchange.request.id, route: exchange.request.route, fault: faultOf(error) }, 'request failed')
    const { status, body, headers } = known ?? internalError()
    if (!exchange.res.headersSent) send(exchange, status, [...JSON_TYPE, ...headers], JSON.stringify(body))
  }

  /** Redirects to the path without its final slash; with 307 the client repeats method and body. */
  function redirect(exchange: Exchange) {
    const { request } = exchange
    const { host, 'x-forwarded-proto': scheme } = request.headers
    const origin = host === undefined ? '' : `${scheme === 'https' ? 'https' : 'http'}://${host}`
    const location = origin + withoutSlashes(request.path) + (request.search && `?${request.search}`)
    send(exchange, 307, ['Location', location], '')
  }

  function send(exchange: Exchange, status: number, headers: readonly string[], body: string | Buffer) {
    writeHead(exchange, status, [...headers, 'Content-Length', String(Buffer.byteLength(body))])
    end(exchange, body)
  }

  function writeHead({ request, res }: Exchange, status: number, headers: readonly string[]) {
    // When the client has disconnected, `logAtEnd` has measured the request already.
    if (!res.destroyed) measure?.(request, status, performance.now() - request.startedAt)
    return res.writeHead(status, [
      'X-Request-ID',
      request.id,
      ...usualHeaders,
      ...headers,
      ...(isPreflight(request.method, request.headers) ? [] : cors(request.headers)),
      ...request.answerHeaders,
    ])
  }

  function route(exchange: Exchange, path: string, otherwise: () => void) {
    exchange.url = path
    router(exchange as never, exchange.res as never, (error?: unknown) => (error ? fail(exchange, error) : otherwise()))
  }

  /** A function of its own, so that the listener of an open stream keeps only these variables in memory. */
  function logAtEnd(request: Request, res: ServerResponse) {
    res.on('close', () => {
      const elapsedMs = performance.now() - request.startedAt
      accessLog(log, request, res, elapsedMs)
      if (!res.headersSent) measure?.(request, undefined, elapsedMs)
    })
  }

  const handler = ((req, res) => {
    const request = new Request(req, from(req), present.until(res))
    const { method, path, headers } = request
    const exchange: Exchange = { method, url: path, req, res, request, redirected: false }
    logAtEnd(request, res)

    const problem = headProblem(req)
    if (problem || isLastOfConnection(req)) res.shouldKeepAlive = false
    if (problem) return fail(exchange, problem)
    try {
      screen?.(request)
    } catch (error) {
      return fail(exchange, error)
    }
    if (isCrossOrigin && isPreflight(method, headers)) {
      const answer = preflight(headers)
      return send(exchange, answer.status, [...answer.headers, ...TEXT_TYPE], answer.body)
    }
    const nothing = () => {
      const { allowed } = exchange
      fail(exchange, allowed ? methodNotAllowed([...new Set(allowed)].join(', ')) : notFound())
    }
    route(exchange, path, () => {
      if (path === '/' || !path.endsWith('/')) return nothing()
      exchange.redirected = true
      route(exchange, withoutSlashes(path), nothing)
    })
  }) as Handler
  handler.written = (refusal) => {
    const requestId = randomUUID()
    log.info({ requestId, status: refusal.status }, 'unreadable request')
    return writtenAnswer(refusal, ['X-Request-ID', requestId, ...usualHeaders])
  }
  handler.openStreams = open.count
  handler.stopStreams = () => {
    open.stop()
    present.stop()
  }
  return handler
}

/** Calls back when an answer was not written. Bytes handed to the kernel count as written, because a server cannot know more. */
function onceUndelivered(res: ServerResponse, callback: () => void) {
  if (res.destroyed) return callback()
  res.once('close', () => {
    if (!res.writableFinished) callback()
  })
}

/** How long the rest of a request is read and dropped after its answer. */
const HEAR_OUT_MS = 5000

/**
 * Ends an answer. When the connection ends with it while the client still sends, closing at once would reset the connection, and
 * the client would lose the answer. So this sends the answer and drops what the client sends, for up to HEAR_OUT_MS.
 */
function end({ req, res }: Exchange, body: string | Buffer) {
  if (req.complete || res.shouldKeepAlive) return res.end(body)
  res.write(body)
  const done = () => {
    clearTimeout(patience)
    res.end()
  }
  const patience = setTimeout(done, HEAR_OUT_MS).unref()
  req.once('end', done).once('close', done).resume()
}

function withoutSlashes(path: string): string {
  let end = path.length
  while (path[end - 1] === '/') end--
  return path.slice(0, end)
}

/** Throws when an answer differs from its route's declaration, also in the order of keys. */
function assertAnswer({ method, path, spec }: Route, status: number, json: string) {
  const declared = spec.answers[status]?.safeParse(JSON.parse(json))
  if (!declared?.success || JSON.stringify(declared.data) !== JSON.stringify(JSON.parse(json)))
    throw new Error(`${method} ${path} does not declare this answer: ${status} ${json}`)
}

function assertContent({ method, path, spec }: Route, status: number, { type }: Content) {
  if (spec.answers[status]?.meta()?.contentType !== type)
    throw new Error(`${method} ${path} does not declare this answer: ${status} ${type}`)
}

function assertStream({ method, path, spec }: Route) {
  if (!isEventStream(spec.answers[200])) throw new Error(`${method} ${path} does not declare that it streams`)
}
