import type { Request } from '#platform/http/request.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'

/** In seconds. Slower answers need no finer buckets. */
const BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Measures the time from each request to the begin of its answer; `status` is undefined when the client left first. */
export function measureOf(metrics: Metrics) {
  const observe = metrics.histogram({
    name: 'vidwiz_ops_request_seconds',
    help: 'Time until the answer to a request of the page for operators began',
    labels: ['route', 'status'],
    buckets: BUCKETS,
  })
  return ({ route = 'none' }: Request, status: number | undefined, elapsedMs: number) =>
    observe({ route, status: String(status ?? 'aborted') }, elapsedMs / 1000)
}

export function standsOf(
  metrics: Metrics,
  { streams, subscribers, sessions }: { streams(): number; subscribers(): number; sessions(): number },
): void {
  const count = (name: string, help: string, stand: () => number) =>
    metrics.gauge({ name, help, labels: [] }, () => [{ labels: {}, value: stand() }])
  count('vidwiz_ops_streams', 'Streams of the page for operators that are open', streams)
  count('vidwiz_ops_watching', 'Pages for operators that receive every update', subscribers)
  count('vidwiz_ops_sessions', 'Sessions of operators that have not ended', sessions)
}
