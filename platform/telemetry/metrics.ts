import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { within } from '#platform/deadline.ts'

/** One value of a metric, with its labels. */
export interface Sample<L extends string> {
  labels: Record<L, string>
  value: number
}

interface Named<L extends string> {
  /** Ends in the unit, as Prometheus recommends: `vidwiz_http_request_seconds`. */
  name: string
  help: string
  labels: readonly L[]
}

type Stand = () => Sample<string>[] | Promise<Sample<string>[]>

/** The Prometheus metrics of a process. Services that share a process may declare the same metric. */
export interface Metrics {
  /** Declares a counter. Returns a function that increments it. */
  counter<L extends string = never>(named: Named<L>): (labels: Record<L, string>, by?: number) => void
  /** Declares a histogram; `buckets` are upper bounds. Returns a function that records a value. */
  histogram<L extends string = never>(named: Named<L> & { buckets: number[] }): (labels: Record<L, string>, value: number) => void
  /** Declares a gauge; `stand` is called each time the metrics are read. If `stand` fails, only its samples are left out. */
  gauge<L extends string = never>(named: Named<L>, stand: () => Sample<L>[] | Promise<Sample<L>[]>): void
  /** All metrics as text of the type `text/plain; version=0.0.4`. */
  read(): Promise<string>
}

/** Bound for a gauge that queries the database: shorter than the scrape timeout. */
const PATIENCE_MS = 4_000

/** The default of 10 ms costs half a percent of a core in every idle process. */
const LOOP_SAMPLE_MS = 100

/** Opens the metrics of a process, including Node's default metrics. */
export function openMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_SAMPLE_MS })
  const failed = new Counter({
    name: 'vidwiz_metrics_failed_total',
    help: 'Figures that could not be read',
    labelNames: ['name'],
    registers: [registry],
  })

  const stands = new Map<string, Stand[]>()

  return {
    counter({ labels, ...named }) {
      const counter = (registry.getSingleMetric(named.name) ??
        new Counter({ ...named, labelNames: labels, registers: [registry] })) as Counter
      return (values, by = 1) => counter.inc(values, by)
    },
    histogram({ labels, ...named }) {
      const histogram = (registry.getSingleMetric(named.name) ??
        new Histogram({ ...named, labelNames: labels, registers: [registry] })) as Histogram
      return histogram.observe.bind(histogram)
    },
    gauge({ labels, ...named }, stand) {
      const others = stands.get(named.name)
      if (others) return void others.push(stand)
      const own: Stand[] = [stand]
      stands.set(named.name, own)
      const gauge = new Gauge({
        ...named,
        labelNames: labels,
        registers: [registry],
        async collect() {
          const asked = await Promise.allSettled(own.map(inTime))
          const samples = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
          if (asked.some(({ status }) => status === 'rejected')) failed.inc({ name: named.name })
          // Removes samples that no longer exist; for a gauge without labels `reset` alone would leave a 0.
          gauge.reset()
          if (labels.length === 0) gauge.remove()
          for (const { labels, value } of samples) gauge.set(labels as never, value)
        },
      })
    },
    read: () => registry.metrics(),
  }
}

const inTime = <T>(read: () => T | Promise<T>): Promise<T> =>
  within(PATIENCE_MS, (async () => read())(), () => {
    throw new Error(`took longer than ${PATIENCE_MS} ms`)
  })
