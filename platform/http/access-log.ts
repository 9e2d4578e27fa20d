import type { ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Request } from './request.ts'

/**
 * Writes one line for a request that has been answered, or whose client went away (`aborted`).
 * Neither headers, query nor body are in it: any of them may hold a secret.
 */
export function accessLog(log: Logger, request: Request, res: ServerResponse, elapsedMs: number) {
  const { id: requestId, method, path, route, actor, address } = request
  const aborted = res.writableFinished ? undefined : true
  const status = res.headersSent ? res.statusCode : undefined
  const rounded = Math.round(elapsedMs * 100) / 100
  log.info({ requestId, method, path, route, actor, address, status, aborted, elapsedMs: rounded }, 'request')
}

/** What may be told of an error that nobody foresaw: a database's `detail` would quote the row. */
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
