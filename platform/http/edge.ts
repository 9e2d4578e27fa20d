import type { IncomingMessage, ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import { Router } from 'express'
import type { Logger } from 'pino'
import { accessLog, faultOf } from './access-log.ts'
import { Aborted, parseBody, readBody } from './body.ts'
import { crossOrigin, isPreflight, preflight } from './cors.ts'
import { HttpError, internalError, methodNotAllowed, notFound } from './errors.ts'
import { JsonText } from './json.ts'
import { Request } from './request.ts'
import { Answer, type Route } from './route.ts'
import { validate } from './validate.ts'

export interface EdgeOptions<App, Tools> {
  routes: readonly Route<App, Tools>[]
  /** What guards get. */
  app: App
  /** What handlers get beside their input, made anew for each request. */
  tools(request: Request, who: unknown): Tools
  /** Says an error of the application as an HttpError; undefined for one that nobody foresaw. */
  explain?(error: unknown): HttpError | undefined
  log: Logger
  /** Most bytes of a request's body. */
  bodyLimitBytes?: number
  /** Headers of ours that pages of other origins may read, beside `X-Request-ID` and `Retry-After`. */
  exposedHeaders?: readonly string[]
  /** Checks every answer against its schema; for tests. */
  checkAnswers?: boolean
}

export type Handler = (req: IncomingMessage, res: ServerResponse) => void

const DEFAULT_BODY_LIMIT_BYTES = 16 * 1024 * 1024
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
}

/** Turns declared routes into a handler of HTTP requests. */
export function edge<App, Tools extends object>(options: EdgeOptions<App, Tools>): Handler {
  const { app, tools, explain, log, checkAnswers, bodyLimitBytes = DEFAULT_BODY_LIMIT_BYTES } = options
  const cors = crossOrigin(['X-Request-ID', 'Retry-After', ...(options.exposedHeaders ?? [])])

  // Paths are matched strictly: another case or a slash more is another path.
  const router = Router({ caseSensitive: true, strict: true })
  for (const [path, routes] of Map.groupBy(options.routes, (route) => route.path)) {
    const byMethod = new Map(routes.map((route) => [route.method, route]))
    const allow = [...byMethod.keys()].join(', ')
    router.route(path).all((routed: unknown) => {
      const exchange = routed as Exchange
      const route = byMethod.get(exchange.method)
      exchange.request.route = path
      if (exchange.redirected) return redirect(exchange)
      if (!route) return fail(exchange, methodNotAllowed(allow))
      run(route, exchange).catch((error) => fail(exchange, error))
    })
  }

  /** The order of these steps is part of the contract. */
  async function run(route: Route<App, Tools>, exchange: Exchange) {
    const { request, req, params } = exchange
    const { spec } = route
    let body: unknown
    if (spec.body) {
      request.bytes = await readBody(req, bodyLimitBytes)
      body = parseBody(request.headers['content-type'], request.bytes)
    }
    const raw = { params, query: spec.query && request.query, body }
    if (spec.precheck) {
      const early = validate({ query: spec.query }, raw)
      if (!early.error) spec.precheck(early.input.query as never)
    }
    const user = spec.auth && (await spec.auth(request, app))
    // Only now: a large body is work to look through, and not for a stranger.
    const checked = validate(spec, raw)
    const input = Object.assign(tools(request, user), checked.input, { request, user })
    if (checked.error) {
      if (spec.exists && checked.isOnlyBodyInvalid) await spec.exists(input)
      throw checked.error
    }
    succeed(route, exchange, await route.handle(input))
  }

  function succeed(route: Route<App, Tools>, exchange: Exchange, result: unknown) {
    const status = result instanceof Answer ? result.status : route.status
    const body = result instanceof Answer ? result.body : result
    const json = body instanceof JsonText ? body.text : JSON.stringify(body)
    if (checkAnswers) assertAnswer(route, status, json)
    send(exchange, status, JSON_TYPE, json)
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

  function send({ request, res }: Exchange, status: number, headers: readonly string[], body: string) {
    const length = Buffer.byteLength(body)
    res.writeHead(status, [
      'X-Request-ID',
      request.id,
      'Referrer-Policy',
      'strict-origin-when-cross-origin',
      ...headers,
      'Content-Length',
      String(length),
      ...(isPreflight(request.method, request.headers) ? [] : cors(request.headers)),
      ...request.answerHeaders,
    ])
    res.end(body)
  }

  function route(exchange: Exchange, path: string, otherwise: () => void) {
    exchange.url = path
    router(exchange as never, exchange.res as never, (error?: unknown) => (error ? fail(exchange, error) : otherwise()))
  }

  return (req, res) => {
    const request = new Request(req)
    const { method, path, headers } = request
    const exchange: Exchange = { method, url: path, req, res, request, redirected: false }
    res.on('close', () => accessLog(log, request, res, performance.now() - request.startedAt))

    if (isPreflight(method, headers)) {
      const answer = preflight(headers)
      return send(exchange, answer.status, [...answer.headers, ...TEXT_TYPE], answer.body)
    }
    const nothing = () => fail(exchange, notFound())
    route(exchange, path, () => {
      if (path === '/' || !path.endsWith('/')) return nothing()
      exchange.redirected = true
      route(exchange, withoutSlashes(path), nothing)
    })
  }
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
