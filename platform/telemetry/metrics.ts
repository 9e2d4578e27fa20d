import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What names a figure among others of its kind, and the figure. */
export interface Sample<L extends string> {
  labels: Record<L, string>
  value: number
}

interface Named<L extends string> {
  /** With the unit last, as Prometheus has it: `vidwiz_http_request_seconds`. */
  name: string
  help: string
  labels: readonly L[]
}

type Stand = () => Sample<string>[] | Promise<Sample<string>[]>

/** The figures of a process, as Prometheus reads them. Services that share a process may each declare the same figure. */
export interface Metrics {
  /** Something that is counted. */
  counter<L extends string = never>(named: Named<L>): (labels: Record<L, string>, by?: number) => void
  /** Something that is measured each time it happens. `buckets` are upper bounds. */
  histogram<L extends string = never>(named: Named<L> & { buckets: number[] }): (labels: Record<L, string>, value: number) => void
  /** Something that stands somewhere: asked each time the figures are read. When it fails, it is left out, and nothing else. */
  gauge<L extends string = never>(named: Named<L>, stand: () => Sample<L>[] | Promise<Sample<L>[]>): void
  /** All figures as text of the type `text/plain; version=0.0.4`. */
  read(): Promise<string>
}

/** A process that asks the database must be done before whoever reads its figures gives up. */
const PATIENCE_MS = 4_000

/** The usual 10 ms cost half a percent of a core in every process that has nothing to do. */
const LOOP_SAMPLE_MS = 100

/** Opens the figures of a process, those of Node and the process itself among them. */
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
      return (values, value) => histogram.observe(values, value)
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
          const asked = await Promise.allSettled(own.map((stand) => within(PATIENCE_MS, stand)))
          const samples = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
          if (asked.some(({ status }) => status === 'rejected')) failed.inc({ name: named.name })
          // Also those that are not there any more; without labels a nought would be left.
          gauge.reset()
          if (labels.length === 0) gauge.remove()
          for (const { labels, value } of samples) gauge.set(labels as never, value)
        },
      })
    },
    read: () => registry.metrics(),
  }
}

async function within<T>(ms: number, work: () => T | Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`took longer than ${ms} ms`)), ms)
  try {
    return await Promise.race([work(), late.promise])
  } finally {
    clearTimeout(timer)
  }
}
