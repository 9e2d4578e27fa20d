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

/** The figures of a process, as Prometheus reads them. */
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

/** Opens the figures of a process, those of Node and the process itself among them. */
export function openMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const failed = new Counter({
    name: 'vidwiz_metrics_failed_total',
    help: 'Figures that could not be read',
    labelNames: ['name'],
    registers: [registry],
  })

  return {
    counter({ labels, ...named }) {
      const counter = new Counter({ ...named, labelNames: labels, registers: [registry] })
      return (values, by = 1) => counter.inc(values, by)
    },
    histogram({ labels, ...named }) {
      const histogram = new Histogram({ ...named, labelNames: labels, registers: [registry] })
      return (values, value) => histogram.observe(values, value)
    },
    gauge({ labels, ...named }, stand) {
      const gauge = new Gauge({
        ...named,
        labelNames: labels,
        registers: [registry],
        async collect() {
          const samples = await within(PATIENCE_MS, stand).catch(() => undefined)
          if (!samples) failed.inc({ name: named.name })
          // Also those that are not there any more; without labels a nought would be left.
          gauge.reset()
          if (labels.length === 0) gauge.remove()
          for (const { labels, value } of samples ?? []) gauge.set(labels, value)
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
