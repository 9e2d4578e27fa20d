import { edge, type Handler } from '#platform/http/edge.ts'
import { type Tokens, tokensOf } from './auth/tokens.ts'
import type { App, Deps } from './deps.ts'
import { explain } from './errors.ts'
import { keysOf } from './idempotency.ts'
import { routes } from './routes/index.ts'
import { toolsOf } from './tools.ts'

/** Makes the API: a handler of HTTP requests, and the parts that others may want to look into. */
export function createApp(deps: Deps): { handler: Handler; tokens: Tokens } {
  const { log, bodyLimitBytes, checkAnswers } = deps
  const app: App = { ...deps, tokens: tokensOf(deps) }
  const tools = toolsOf(app, keysOf(deps.secretKey))
  const exposedHeaders = ['VidWiz-Visible', 'Idempotency-Replayed']
  return {
    handler: edge({ routes, app, tools, explain, log, bodyLimitBytes, exposedHeaders, checkAnswers }),
    tokens: app.tokens,
  }
}
