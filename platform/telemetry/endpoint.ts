import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Trouble } from '../trouble.ts'
import type { Metrics } from './metrics.ts'

/** `ok`: it can work. The others: not yet, no more, or something it needs does not answer. */
export type Health = 'ok' | 'starting' | 'stopping' | 'unavailable'

export interface Endpoint {
  port: number
  close(): Promise<void>
}

/**
 * Serves what is there to watch a process by, on a port of its own and to whoever reaches it: `/metrics` for Prometheus and
 * `/health` for whoever starts processes (200 when it can work, else 503).
 * @throws Trouble when the port cannot be had
 */
export async function serveEndpoint(
  { metrics, health }: { metrics: Metrics; health: () => Promise<Health> },
  { port, host }: { port: number; host: string },
): Promise<Endpoint> {
  const answers: Record<string, () => Promise<[status: number, type: string, body: string]>> = {
    '/metrics': async () => [200, 'text/plain; version=0.0.4; charset=utf-8', await metrics.read()],
    '/health': async () => {
      const status = await health()
      return [status === 'ok' ? 200 : 503, 'application/json', JSON.stringify({ status })]
    },
  }
  const server = createServer((req, res) => {
    const answer = answers[req.url!.split('?')[0]!] ?? (async () => [404, 'text/plain', 'Only /metrics and /health are here'])
    answer()
      .catch((error) => [500, 'text/plain', (error as Error).message] as const)
      .then(([status, type, body]) => res.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(body))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Trouble(`METRICS_PORT ${port} cannot be used: ${error.message}`)))
    server.listen(port, host, resolve)
  })
  // It watches the service; it does not keep it alive.
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
