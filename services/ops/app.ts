import { addressOf } from '#platform/http/client-address.ts'
import { edge, type Handler } from '#platform/http/edge.ts'
import { failure, type HttpError } from '#platform/http/errors.ts'
import type { Request } from '#platform/http/request.ts'
import type { Route } from '#platform/http/route.ts'
import { EventStream } from '#platform/http/stream.ts'
import { LimitExceeded } from '#platform/limits/limiter.ts'
import { Rejected } from '#platform/log/commands/executor.ts'
import { LogHalted } from '#platform/log/timeline.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { isUnavailable } from '#platform/pg/errors.ts'
import { operate } from '#services/operations/operation.ts'
import type { Role, Who } from './access.ts'
import { unlimitedAttempts } from './attempts.ts'
import type { App, Tools } from './deps.ts'
import { measureOf, standsOf } from './metrics.ts'
import { routes } from './routes/index.ts'
import { SAFE_HEADERS, screenOf } from './screen.ts'
import { type OpenStreams, openStreams } from './streams.ts'

/** Requests to the page are small. */
const BODY_LIMIT_BYTES = 64 * 1024

/** Creates the page's HTTP request handler. */
export function createApp(app: App): Handler {
  const { settings, access, metrics, log } = app
  const streams = openStreams(access)
  standsOf(metrics, { streams: streams.count, subscribers: app.sampler.subscribers, sessions: access.sessions })
  return edge({
    routes: routes.map((route) => guarded(route, streams)),
    app,
    tools: (_: Request, who: unknown): Tools => ({
      app,
      who: who as Who,
      operate: (act, work) => operate(app.execute, { name: (who as Who).name, via: 'page' }, act, work),
    }),
    log,
    explain,
    measure: measureOf(metrics),
    addressOf: addressOf(settings.TRUST_PROXY),
    bodyLimitBytes: BODY_LIMIT_BYTES,
    isCrossOrigin: false,
    usualHeaders: SAFE_HEADERS,
    screen: screenOf([settings.HOST, ...settings.OPS_HOSTS]),
  })
}

/** Adds the access check to a route; every route passes through here. */
function guarded(route: Route<App, Tools>, streams: OpenStreams): Route<App, Tools> {
  const { may } = route.spec as unknown as { may: Role | 'anyone' }
  if (may === 'anyone') return route
  const auth = async (request: Request, app: App): Promise<Who> => {
    const who = await known(request, app)
    request.actor = `operator:${who.name}`
    // Deny by default: only routes declared for viewers are open to viewers.
    if (may !== 'viewer' && who.role !== 'operator') throw failure(403, 'FORBIDDEN', 'Only an operator may do that')
    return who
  }
  const handle = async (input: Tools) => {
    const result = await route.handle(input)
    return result instanceof EventStream ? streams.of(input.who, result) : result
  }
  return { ...route, spec: { ...route.spec, auth }, handle }
}

/**
 * @throws HttpError 401, or LimitExceeded after too many wrong tokens
 */
async function known(request: Request, { access, attempts = unlimitedAttempts }: App): Promise<Who> {
  // Tokens can be guessed like the password; session ids cannot. After too many guesses even a right token is refused.
  const isToken = request.headers.authorization !== undefined
  if (isToken && attempts.isOver(request)) await attempts.admit(request)
  const who = access.whoSends(request)
  if (who) return who
  if (isToken) {
    await attempts.admit(request)
    attempts.failed(request)
  }
  throw failure(401, 'UNAUTHORIZED', 'Sign in first')
}

const STATUS: Record<string, number> = { NOT_FOUND: 404, CONFLICT: 409, VALIDATION_ERROR: 422 }

/** Maps an error that a person can act on to an HTTP error; undefined for any other error. */
function explain(error: unknown): HttpError | undefined {
  if (error instanceof LimitExceeded)
    return failure(429, 'RATE_LIMIT_EXCEEDED', `Too many wrong attempts: try again in ${error.resetInSeconds} s`, null, [
      'Retry-After',
      String(error.resetInSeconds),
    ])
  if (error instanceof Rejected) return failure(STATUS[error.code] ?? 400, error.code, error.message, error.details)
  if (isUnavailable(error) || error instanceof LogHalted)
    return failure(503, 'SERVICE_UNAVAILABLE', (error as Error).message, null, ['Retry-After', '5'])
  // On the command line the same error is printed and exits with 1. Clients of the page see the code: do not rename it.
  if (error instanceof OperatorError) return failure(422, 'TROUBLE', error.message)
  return undefined
}
