import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import express, { type RequestHandler, Router } from 'express'
import { rateLimit } from 'express-rate-limit'
import { limiter } from '../platform/limits/limiter.ts'
import type { Benchmark, Figure } from './kit/figure.ts'
import { inTurn, medians } from './kit/measure.ts'

const PATHS = Array.from({ length: 30 }, (_, n) => `/v2/things${n}/:id/parts`)
const URL_PATH = '/v2/things29/42/parts'

/** What named packages cost on the way of a request, in each of the ways to use them (docs/decisions/packages.md). */
export const packages: Benchmark = {
  name: 'packages',
  async run({ quick }) {
    const [rounds, times] = quick ? [1, 5_000] : [7, 100_000]
    const took = medians(
      await inTurn<Record<string, number>>(rounds, {
        'the router alone': () => nsPerCall(times, routed(routerOnly())),
        'an express app': () => nsPerCall(times, routed(wholeApp())),
        'our limiter': () => nsPerCall(times, limited()),
        'two numbers': () => nsPerCall(times, compared()),
        'its middleware in an app': () => nsPerCall(times, routed(wholeApp(limit()))),
      }),
    )
    const figure = (name: string, value: number, what: string, beside: number): Figure => ({
      name,
      value,
      unit: 'ns',
      beside: { what, value: beside },
    })
    return [
      figure('Express: a route found by its Router', took['the router alone']!, 'by a whole app', took['an express app']!),
      figure(
        'express-rate-limit: a decision',
        took['our limiter']!,
        'the store alone, two numbers compared',
        took['two numbers']!,
      ),
      figure(
        'express-rate-limit: as middleware of an app',
        took['its middleware in an app']! - took['an express app']!,
        'a decision through our limiter',
        took['our limiter']!,
      ),
    ]
  },
}

async function nsPerCall(times: number, call: () => unknown): Promise<number> {
  const from = performance.now()
  for (let n = 0; n < times; n++) await call()
  return ((performance.now() - from) * 1e6) / times
}

type Handle = (request: IncomingMessage, response: ServerResponse, done: () => void) => void

/** A request with an answer, through a handler; both as Node makes them. */
function routed(handle: Handle): () => Promise<void> {
  const socket = new Socket()
  return () =>
    new Promise((resolve) => {
      const request = new IncomingMessage(socket)
      request.method = 'GET'
      request.url = URL_PATH
      handle(request, new ServerResponse(request), resolve)
    })
}

/** As the edge uses it: on an object of its own, and nothing is attached to Node's. */
function routerOnly(): Handle {
  const router = Router({ caseSensitive: true, strict: true })
  for (const path of PATHS) router.route(path).all((_, __, next) => next())
  return (request, response, done) => {
    const exchange = { method: request.method, url: request.url, request, response }
    router(exchange as never, response as never, done)
  }
}

function wholeApp(...before: RequestHandler[]): Handle {
  const app = express()
  app.disable('x-powered-by')
  app.set('case sensitive routing', true)
  app.set('strict routing', true)
  for (const path of PATHS) app.route(path).all(...before, (_, __, next) => next())
  return app as unknown as Handle
}

const store = () => {
  const resetTime = new Date(Date.now() + 60_000)
  let totalHits = 0
  return { increment: () => ({ totalHits: ++totalHits, resetTime }), decrement() {}, resetKey() {} }
}

const limit = () =>
  rateLimit({
    windowMs: 60_000,
    limit: Number.MAX_SAFE_INTEGER,
    store: store(),
    keyGenerator: () => '192.0.2.1',
    standardHeaders: false,
    legacyHeaders: false,
    validate: false,
  })

function counting() {
  const count = { total: 0, endsAt: Date.now() + 60_000 }
  const add = () => {
    count.total++
    return count
  }
  return { known: () => count, add, addShared: async () => add(), close: async () => {} }
}

function limited() {
  const admit = limiter({
    name: 'bench',
    limit: Number.MAX_SAFE_INTEGER,
    windowMs: 60_000,
    counts: counting() as never,
    isExact: false,
  })
  return () => admit('192.0.2.1')
}

function compared() {
  const { add } = counting()
  return async () => {
    if (add().total > Number.MAX_SAFE_INTEGER) throw new Error('too many')
  }
}
