import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { headProblem, isLastOfConnection, targetOf } from '../http/request.ts'
import { httpServer } from '../http/server.ts'
import { writtenAnswer } from '../http/unreadable.ts'
import { OperatorError } from '../operator-error.ts'
import type { Metrics } from './metrics.ts'

/**
 * State of a process. `ok`: it works; with `why` if another process does a part of its work. `unavailable`: something that it needs
 * does not answer. `standing by`: a part of its work waits for another version of the code.
 */
export type Health = 'ok' | 'starting' | 'stopping' | 'unavailable' | { status: 'standing by' | 'ok'; why: string }

export interface Endpoint {
  port: number
  close(): Promise<void>
}

/**
 * Serves monitoring endpoints on a separate port, without authentication: `/metrics` for Prometheus, and `/health` for process
 * managers (200 when the process works, otherwise 503).
 * @throws OperatorError when the port cannot be used
 */
export async function serveEndpoint(
  { metrics, health }: { metrics: Metrics; health: () => Promise<Health> },
  { port, host }: { port: number; host: string },
): Promise<Endpoint> {
  const answers: Record<string, () => Promise<[status: number, type: string, body: string]>> = {
    '/metrics': async () => [200, 'text/plain; version=0.0.4; charset=utf-8', await metrics.read()],
    '/health': async () => {
      const status = await health()
      const body = typeof status === 'string' ? { status } : status
      return [body.status === 'ok' ? 200 : 503, 'application/json', JSON.stringify(body)]
    },
  }
  const answer = (req: IncomingMessage, res: ServerResponse) => {
    const problem = headProblem(req)
    if (problem || isLastOfConnection(req)) res.shouldKeepAlive = false
    if (problem)
      return void res.writeHead(problem.status, { 'Content-Type': 'application/json' }).end(JSON.stringify(problem.body))
    const found = answers[targetOf(req.url!).path] ?? (async () => [404, 'text/plain', 'Only /metrics and /health are here'])
    found()
      .catch((error) => [500, 'text/plain', (error as Error).message] as const)
      .then(([status, type, body]) => res.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(body))
  }
  const server = httpServer({ answer, written: (refusal) => writtenAnswer(refusal, []) })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new OperatorError(`METRICS_PORT ${port} cannot be used: ${error.message}`)))
    server.listen(port, host, resolve)
  })
  // The endpoint must not keep the process alive.
  server.unref()
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
