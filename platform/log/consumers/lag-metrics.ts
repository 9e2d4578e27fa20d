import { joined } from '#platform/joined.ts'
import type { Metrics, Sample } from '#platform/telemetry/metrics.ts'
import type { PartitionLag } from './lag.ts'

/** Exposes the lag of consumers as gauges (P10). All gauges of one scrape share one call of `lag`. */
export function lagMetrics(metrics: Metrics, lag: () => Promise<PartitionLag[]>): void {
  const labels = ['consumer', 'topic', 'partition'] as const
  type Label = (typeof labels)[number]
  const once = joined(lag)
  const gauge = (name: string, help: string, figure: (lag: PartitionLag) => number) =>
    metrics.gauge({ name, help, labels }, async () =>
      (await once()).map((one): Sample<Label> => {
        const { consumer, topic, partition } = one
        return { labels: { consumer, topic, partition: String(partition) }, value: figure(one) }
      }),
    )
  gauge('vidwiz_consumer_lag_events', 'Events that the consumer has not applied yet', ({ events }) => events)
  gauge('vidwiz_consumer_lag_seconds', 'Age of the oldest of them', ({ seconds }) => seconds)
  gauge('vidwiz_consumer_parked_events', 'Events that it could not apply, and those behind them', ({ parked }) => parked)
  gauge('vidwiz_consumer_position', 'Position of the last event that it has applied', ({ pos }) => pos)
}
