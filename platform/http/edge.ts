import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Router } from 'express'
import { type AnswersOptions, answersOf, type Exchange } from './answers.ts'
import { type AddressOf, addressOf } from './client-address.ts'
import { isPreflight, preflight } from './cors.ts'
import { type HttpError, methodNotAllowed, notFound } from './errors.ts'
import { presence } from './presence.ts'
import { headProblem, isLastOfConnection, Request } from './request.ts'
import type { Route } from './route.ts'
import { type RunOptions, run } from './run.ts'
import { writtenAnswer } from './unreadable.ts'

export interface EdgeOptions<App, Tools> extends RunOptions<App, Tools>, AnswersOptions {
  routes: readonly Route<App, Tools>[]
  /** Finds the client's address; the peer of the connection if not given. */
  addressOf?: AddressOf | undefined
  /** Called first for every request with a valid head, also for one without a route. Throws an HttpError to refuse it. */
  screen?(request: Request): void
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

const USUAL_HEADERS = ['Referrer-Policy', 'strict-origin-when-cross-origin']
const TEXT_TYPE = ['Content-Type', 'text/plain; charset=utf-8']

/** Turns declared routes into a handler of HTTP requests. */
export function edge<App, Tools extends object>(options: EdgeOptions<App, Tools>): Handler {
  const { log, screen, isCrossOrigin = true, usualHeaders = USUAL_HEADERS } = options
  const { addressOf: from = addressOf(0) } = options
  const { succeed, fail, send, logAtEnd, open } = answersOf({ ...options, isCrossOrigin, usualHeaders })
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
      run(options, route, exchange)
        .then((result) => succeed(route, exchange, result))
        .catch((error) => fail(exchange, error))
    })
  }

  /** Redirects to the path without its final slash; with 307 the client repeats method and body. */
  function redirect(exchange: Exchange) {
    const { request } = exchange
    const { host, 'x-forwarded-proto': scheme } = request.headers
    const origin = host === undefined ? '' : `${scheme === 'https' ? 'https' : 'http'}://${host}`
    const location = origin + withoutSlashes(request.path) + (request.search && `?${request.search}`)
    send(exchange, 307, ['Location', location], '')
  }

  function route(exchange: Exchange, path: string, otherwise: () => void) {
    exchange.url = path
    router(exchange as never, exchange.res as never, (error?: unknown) => (error ? fail(exchange, error) : otherwise()))
  }

  const handler = ((req, res) => {
    const request = new Request(req, from(req), () => present.until(res))
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
    if (isCrossOrigin && headers.origin !== undefined && isPreflight(method, headers)) {
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

function withoutSlashes(path: string): string {
  let end = path.length
  while (path[end - 1] === '/') end--
  return path.slice(0, end)
}
