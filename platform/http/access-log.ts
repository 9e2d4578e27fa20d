import type { ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Request } from './request.ts'

/**
 * Logs one line for a request that was answered, or whose client disconnected (`aborted`).
 * Headers, query and body are left out, because they may contain secrets.
 */
export function accessLog(log: Logger, request: Request, res: ServerResponse, elapsedMs: number) {
  const { id: requestId, method, path, route, actor, address } = request
  const aborted = res.writableFinished ? undefined : true
  const status = res.headersSent ? res.statusCode : undefined
  const rounded = Math.round(elapsedMs * 100) / 100
  log.info({ requestId, method, path, route, actor, address, status, aborted, elapsedMs: rounded }, 'request')
}

/** The loggable fields of an unexpected error. A database error's `detail` is left out: it quotes the row. */
export function faultOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) }
  const { name, message, stack, cause } = error
  return {
    name,
    message,
    code: (error as { code?: unknown }).code,
    stack,
    cause: cause === undefined ? undefined : faultOf(cause),
  }
}
