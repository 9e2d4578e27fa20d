import { usualPolicy } from '#events/task.ts'
import { edge, type Handler } from '#platform/http/edge.ts'
import { lagMetrics } from '#platform/log/consumers/lag-metrics.ts'
import { openMetrics } from '#platform/telemetry/metrics.ts'
import { guestsOf } from './auth/guests.ts'
import { type Tokens, tokensOf } from './auth/tokens.ts'
import { catchUpOf } from './catch-up.ts'
import type { App, Deps } from './deps.ts'
import { explain } from './errors.ts'
import { healthOf } from './health.ts'
import { keysOf } from './idempotency.ts'
import { limitsOf, unlimited } from './limits.ts'
import { goingsMetrics, measureOf } from './metrics.ts'
import { docsRoutes } from './openapi/routes.ts'
import { readinessOf } from './readiness.ts'
import { routes } from './routes/index.ts'
import { USUAL_MEDIA } from './study.ts'
import { openTaskDesk } from './task-desk.ts'
import { toolsOf } from './tools.ts'
import { type Wiz, wizOf } from './wiz/wiz.ts'

/** Makes the API: the handler of HTTP requests, and the parts that callers need besides. */
export function createApp(given: Deps): { handler: Handler; tokens: Tokens; wiz: Wiz } {
  const health = healthOf(given.db, given.execute, given.log)
  const deps = { ...given, execute: health.execute }
  const readiness = readinessOf(deps, deps.readiness)
  const { log, secretKey, bodyLimitBytes, checkAnswers, addressOf } = deps
  const tokens = tokensOf(deps)
  const limits = deps.limits ? limitsOf({ ...deps.limits, tokens }) : unlimited
  const { taskPolicy = usualPolicy } = deps
  const taskDesk = openTaskDesk({ ...deps, policy: taskPolicy })
  const wiz = wizOf(deps, deps.wiz)
  const { metrics = openMetrics() } = deps
  const { media = USUAL_MEDIA } = deps
  const catchUp = catchUpOf(deps)
  const app: App = {
    ...deps,
    health,
    tokens,
    nameGuest: guestsOf(secretKey),
    readiness,
    limits,
    taskPolicy,
    taskDesk,
    wiz,
    media,
    metrics,
  }
  const handler = edge({
    routes: deps.describesItself ? [...routes, ...docsRoutes()] : routes,
    app,
    tools: toolsOf(app, keysOf(secretKey)),
    reading: catchUp.read,
    explain,
    log,
    admit: limits.admit,
    measure: measureOf(metrics),
    addressOf,
    bodyLimitBytes,
    exposedHeaders: ['ETag', 'VidWiz-Position', 'VidWiz-Visible', 'Idempotency-Replayed'],
    checkAnswers,
  })
  if (deps.lag) lagMetrics(metrics, deps.lag)
  goingsMetrics(metrics, {
    openStreams: () => handler.openStreams?.() ?? 0,
    waitingPolls: taskDesk.waiting,
    waitingReads: catchUp.waiting,
    openReplies: () => wiz.replies?.count() ?? 0,
  })
  return { handler, tokens, wiz }
}
