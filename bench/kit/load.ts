import type { Request } from 'autocannon'
import { heard, start } from './child.ts'

export interface Load {
  url: string
  connections: number
  /** In seconds. */
  duration: number
  /** Total requests per second; default: as many as possible. */
  overallRate?: number
  /** Each connection cycles through them, starting at a different one. */
  requests: Request[]
}

export interface LoadReport {
  perSecond: number
  msP50: number
  msP99: number
  /** Requests without a 2xx answer. */
  failed: number
  failures: string
}

/** Puts load on a server from a separate process. @throws Error if an answer was not 2xx */
export async function load(options: Load): Promise<LoadReport> {
  const child = start('load-process.ts')
  child.send(options)
  const report = await heard<LoadReport>(child)
  if (report.failed > 0) {
    const { method, path } = options.requests[0]!
    throw new Error(
      `${method} ${path} at ${options.connections} connections: ${report.failed} requests failed (${report.failures})`,
    )
  }
  return report
}
