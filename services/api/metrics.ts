import type { Request } from '#platform/http/request.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'

/** Seconds. Most answers take a few milliseconds; a long poll takes a minute. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** Other methods share one label: clients can make up any number of them. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']

/** Measures the time from a request to the start of its answer; `status` is undefined when the client left before. */
export type Measure = (request: Request, status: number | undefined, elapsedMs: number) => void

export function measureOf(metrics: Metrics): Measure {
  const observe = metrics.histogram({
    name: 'vidwiz_http_request_seconds',
    help: 'Time until the answer to a request began',
    labels: ['method', 'route', 'status'],
    buckets: BUCKETS,
  })
  return ({ method, route = 'none' }, status, elapsedMs) =>
    observe({ method: METHODS.includes(method) ? method : 'other', route, status: String(status ?? 'aborted') }, elapsedMs / 1000)
}

/** Gauges: current counts. */
export interface Goings {
  openStreams(): number
  /** Workers that wait for a task, by its kind. */
  waitingPolls(): Record<string, number>
  /** Reads that wait for a write to become visible. */
  waitingReads(): number
  /** Wiz's replies in progress. */
  openReplies(): number
}

export function goingsMetrics(metrics: Metrics, { openStreams, waitingPolls, waitingReads, openReplies }: Goings): void {
  const count = (name: string, help: string, stand: () => number) =>
    metrics.gauge({ name, help, labels: [] }, () => [{ labels: {}, value: stand() }])
  count('vidwiz_http_streams', 'Streams of events that are open', openStreams)
  count('vidwiz_reads_waiting', 'Reads that wait until the views show what was written', waitingReads)
  count('vidwiz_replies', 'Replies of Wiz that are being made', openReplies)
  metrics.gauge({ name: 'vidwiz_polls_waiting', help: 'Workers that wait for a task', labels: ['kind'] }, () =>
    Object.entries(waitingPolls()).map(([kind, value]) => ({ labels: { kind }, value })),
  )
}
