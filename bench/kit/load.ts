import type { Request } from 'autocannon'
import { heard, start } from './child.ts'

export interface Load {
  url: string
  connections: number
  /** Seconds. */
  duration: number
  /** Requests per second in all; as many as possible when not given. */
  overallRate?: number
  /** Each connection goes round them from a place of its own. */
  requests: Request[]
}

export interface LoadReport {
  perSecond: number
  msP50: number
  msP99: number
  /** Requests that were not answered 2xx. */
  failed: number
  failures: string
}

/** Puts a server under load from a process of its own. @throws when a request was not answered 2xx */
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
