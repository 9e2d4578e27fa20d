import type { IncomingMessage, ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import { Router } from 'express'
import type { Logger } from 'pino'
import { accessLog, faultOf } from './access-log.ts'
import { Aborted, parseBody, readBody } from './body.ts'
import { type AddressOf, addressOf } from './client-address.ts'
import { hasAlready } from './conditional.ts'
import { Content } from './content.ts'
import { crossOrigin, isPreflight, preflight } from './cors.ts'
import { HttpError, internalError, methodNotAllowed, notFound } from './errors.ts'
import { JsonText } from './json.ts'
import { presence } from './presence.ts'
import { Request } from './request.ts'
import { Answer, type Route } from './route.ts'
import { EventStream, isEventStream, STREAM_HEADERS, type StreamOptions, streams } from './stream.ts'
import { validate } from './validate.ts'

export interface EdgeOptions<App, Tools> {
  routes: readonly Route<App, Tools>[]
  /** What guards get. */
  app: App
  /** What handlers get beside their input, made anew for each request. */
  tools(request: Request, who: unknown): Tools
  /** Asked before a well-formed request is handled, with the views that its route reads. Throws an HttpError. */
  ready?(request: Request, reads: readonly string[] | undefined): Promise<void> | undefined
  /** Says an error of the application as an HttpError; undefined for one that nobody foresaw. */
  explain?(error: unknown): HttpError | undefined
  log: Logger
  /** Asked before anything of a request is read that its headers do not tell. Throws when the client must wait. */
  admit?: ((request: Request) => Promise<void> | undefined) | undefined
  /** Told of each request when its answer begins, or with no status when the client left before. */
  measure?: ((request: Request, status: number | undefined, elapsedMs: number) => void) | undefined
  /** Where a request comes from; the other end of its connection, if not given. */
  addressOf?: AddressOf | undefined
  /** Most bytes of a request's body, whatever its route takes. */
  bodyLimitBytes?: number
  /** Headers of ours that pages of other origins may read, beside `X-Request-ID` and `Retry-After`. */
  exposedHeaders?: readonly string[]
  /** Checks every answer against its schema; for tests. */
  checkAnswers?: boolean
  streaming?: StreamOptions
}

/** Answers a request. */
export interface Handler {
  (req: IncomingMessage, res: ServerResponse): void
  /** The server is stopping: has answers that would go on or be waited for for long come to their end. */
  stopStreams?(): void
  /** How many streams are open. */
  openStreams?(): number
}

const DEFAULT_BODY_LIMIT_BYTES = 16 * 1024 * 1024
/** Where a route does not say what it takes. */
const USUAL_BODY_LIMIT_BYTES = 1024 * 1024
const JSON_TYPE = ['Content-Type', 'application/json']
const TEXT_TYPE = ['Content-Type', 'text/plain; charset=utf-8']

/**
 * A request on its way to its answer. It is what the router routes (it asks for no more than `method` and `url`), so that
 * nothing need be hung on Node's own objects.
 */
interface Exchange {
  method: string
  url: string
  /** Set by the router. */
  params?: Record<string, string>
  req: IncomingMessage
  res: ServerResponse
  request: Request
  /** The path had a slash too many: a route that matches sends the client to the right one. */
  redirected: boolean
  /** Methods of routes that match the path, where none of them is the one asked for. */
  allowed?: string[]
}

/** Turns declared routes into a handler of HTTP requests. */
export function edge<App, Tools extends object>(options: EdgeOptions<App, Tools>): Handler {
  const { app, tools, explain, log, admit, measure, checkAnswers, bodyLimitBytes = DEFAULT_BODY_LIMIT_BYTES } = options
  const { addressOf: from = addressOf(0) } = options
  const cors = crossOrigin(['X-Request-ID', 'Retry-After', ...(options.exposedHeaders ?? [])])
  const open = streams(options.streaming)
  const present = presence()

  // Paths are matched strictly: another case or a slash more is another path.
  const router = Router({ caseSensitive: true, strict: true })
  for (const [path, routes] of Map.groupBy(options.routes, (route) => route.path)) {
    const byMethod = new Map(routes.map((route) => [route.method, route]))
    router.route(path).all((routed: unknown, _: unknown, next: () => void) => {
      const exchange = routed as Exchange
      const route = byMethod.get(exchange.method)
      exchange.request.route ??= path
      if (exchange.redirected) return redirect(exchange)
      if (!route) {
        // Another path may match as well: `/notes/by-title` is a `/notes/:note_id`, too.
        exchange.allowed = [...(exchange.allowed ?? []), ...byMethod.keys()]
        return next()
      }
      exchange.request.route = path
      run(route, exchange).catch((error) => fail(exchange, error))
    })
  }

  /** The order of these steps is part of the contract. */
  async function run(route: Route<App, Tools>, exchange: Exchange) {
    const { request, req, params } = exchange
    const { spec } = route
    await admit?.(request)
    let known: { user: unknown } | undefined
    const authenticate = async () => {
      known ??= { user: await spec.auth?.(request, app) }
      return known.user
    }
    let body: unknown
    if (spec.body) {
      const limitBytes = Math.min(spec.bodyLimitBytes ?? USUAL_BODY_LIMIT_BYTES, bodyLimitBytes)
      request.bytes = await readBody(req, { limitBytes, admit: authenticate })
      body = parseBody(request.headers['content-type'], request.bytes)
    }
    const raw = { params, query: spec.query && request.query, body }
    if (spec.precheck) {
      const early = validate({ query: spec.query }, raw)
      if (!early.error) spec.precheck(early.input.query as never)
    }
    const user = await authenticate()
    // Only now: a large body is work to look through, and not for a stranger.
    const checked = validate(spec, raw)
    const input = Object.assign(tools(request, user), checked.input, { request, user })
    if (checked.error) {
      if (spec.exists && checked.isOnlyBodyInvalid) await spec.exists(input)
      throw checked.error
    }
    const ready = options.ready?.(request, spec.reads)
    if (ready) await ready
    const result = await route.handle(input)
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
      return complete(exchange, status, ['Content-Type', body.type, ...body.headers], body.body)
    }
    const json = body instanceof JsonText ? body.text : JSON.stringify(body)
    if (checkAnswers) assertAnswer(route, status, json)
    complete(exchange, status, JSON_TYPE, json)
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
    if (!known)
      log.error({ requestId: exchange.request.id, route: exchange.request.route, fault: faultOf(error) }, 'request failed')
    const { status, body, headers } = known ?? internalError()
    if (!exchange.res.headersSent) send(exchange, status, [...JSON_TYPE, ...headers], JSON.stringify(body))
  }

  /** As if the slash had not been there; the client repeats method and body (307). */
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
    // Nobody hears an answer that comes too late: that they left has been told.
    if (!res.destroyed) measure?.(request, status, performance.now() - request.startedAt)
    return res.writeHead(status, [
      'X-Request-ID',
      request.id,
      'Referrer-Policy',
      'strict-origin-when-cross-origin',
      ...headers,
      ...(isPreflight(request.method, request.headers) ? [] : cors(request.headers)),
      ...request.answerHeaders,
    ])
  }

  function route(exchange: Exchange, path: string, otherwise: () => void) {
    exchange.url = path
    router(exchange as never, exchange.res as never, (error?: unknown) => (error ? fail(exchange, error) : otherwise()))
  }

  /** In a scope of its own, so that an open stream keeps no more alive than this. */
  function logAtEnd(request: Request, res: ServerResponse) {
    res.on('close', () => {
      const elapsedMs = performance.now() - request.startedAt
      accessLog(log, request, res, elapsedMs)
      if (!res.headersSent) measure?.(request, undefined, elapsedMs)
    })
  }

  const handler: Handler = (req, res) => {
    const request = new Request(req, from(req), present.until(res))
    const { method, path, headers } = request
    const exchange: Exchange = { method, url: path, req, res, request, redirected: false }
    logAtEnd(request, res)

    if (isPreflight(method, headers)) {
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
  }
  handler.openStreams = open.count
  handler.stopStreams = () => {
    open.stop()
    present.stop()
  }
  return handler
}

/** What went out to the kernel counts as written: no server can know more. */
function onceUndelivered(res: ServerResponse, callback: () => void) {
  if (res.destroyed) return callback()
  res.once('close', () => {
    if (!res.writableFinished) callback()
  })
}

/** A client that is still sending is heard out for so long. */
const HEAR_OUT_MS = 5000

/**
 * Ends an answer. Where the connection ends with it and the client is still sending, closing at once would have its machine
 * throw the answer away unread: so the answer goes out, and what still comes is dropped for a while.
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

/** Throws when an answer is not what its route declares, down to the order of keys. */
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
