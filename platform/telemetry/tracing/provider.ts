import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { ExportResultCode, setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import { atMost } from '#platform/deadline.ts'
import type { Spell } from '../spell.ts'
import { discreetExporter } from './discreet.ts'
import { openTelemetry } from './opentelemetry.ts'
import { samplerOf } from './sampler.ts'
import { type Tracing, traceWith } from './tracing.ts'

export interface ProviderOptions {
  /** Service name, unless `OTEL_SERVICE_NAME` is set. */
  service: string
  env?: NodeJS.ProcessEnv
  /** Logs whether the receiver accepts spans. */
  spell?: Spell
  /** Called with a message for each invalid environment variable. */
  onWrong?(what: string): void
  /** Replaces the default: OTLP over HTTP to the endpoint in the environment. */
  exporter?: SpanExporter
}

/** Maximum number of queued spans, some megabytes; further spans are dropped. */
const MOST_WAITING = 4_096
const BATCH = 512
const SEND_EVERY_MS = 2_000
/** Timeout for one batch. Other batches wait meanwhile. */
const SEND_MS = 10_000
/** Timeout at the end, so that an unreachable receiver does not delay a stop (P12). */
const END_MS = 2_000

/**
 * Starts tracing. Sends spans to `OTEL_EXPORTER_OTLP_ENDPOINT` in batches from a bounded queue. A slow or failing receiver does not
 * affect the traced work.
 */
export function startTracing(options: ProviderOptions): Tracing & { provider: TracerProvider } {
  const { env = process.env, service, spell, onWrong, exporter = new OTLPTraceExporter() } = options
  // `watched` has already logged a failed export.
  setGlobalErrorHandler(() => {})
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  const provider = new TracerProvider({
    sampler: samplerOf(env, onWrong),
    resource: resourceFromAttributes({
      'service.name': service,
      'service.version': version(),
      'service.instance.id': randomUUID(),
      'process.pid': process.pid,
    }).merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: watched(discreetExporter(exporter), spell),
        maxQueueSize: MOST_WAITING,
        maxExportBatchSize: BATCH,
        scheduledDelayMillis: Number(env.OTEL_BSP_SCHEDULE_DELAY) || SEND_EVERY_MS,
        exportTimeoutMillis: SEND_MS,
      }),
    ],
  })
  trace.setGlobalTracerProvider(provider)
  const tracing = openTelemetry(provider.getTracer('vidwiz'), () => atMost(END_MS, provider.shutdown()))
  traceWith(tracing)
  return { ...tracing, provider }
}

/** Reports to the spell whether the receiver accepts spans. */
const watched = (exporter: SpanExporter, spell: Spell | undefined): SpanExporter => ({
  ...exporter,
  export: (spans, told) =>
    exporter.export(spans, (result) => {
      if (result.code === ExportResultCode.SUCCESS) spell?.worked()
      // The same message for every cause, so that an unreachable, slow or refusing receiver counts as one spell.
      else spell?.failed(new Error('the receiver does not take spans', { cause: result.error }))
      told(result)
    }),
})

const version = (): string => JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')).version
