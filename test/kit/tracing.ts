import { context, propagation, trace } from '@opentelemetry/api'
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace'
import { startTracing } from '#platform/telemetry/tracing/provider.ts'
import { traceWith } from '#platform/telemetry/tracing/tracing.ts'

/** Traces this process into memory, like a service with a receiver, but without instrumented libraries. */
export interface TracedHere {
  /** Finished spans so far, in the order of their end. */
  spans(): Promise<ReadableSpan[]>
  /** Clears the finished spans. */
  forget(): Promise<void>
  stop(): void
}

export function traceHere(env: NodeJS.ProcessEnv = {}): TracedHere {
  const exporter = new InMemorySpanExporter()
  const { provider } = startTracing({ service: 'test', env, exporter })
  const spans = async () => {
    await provider.forceFlush()
    return exporter.getFinishedSpans()
  }
  return {
    spans,
    async forget() {
      await spans()
      exporter.reset()
    },
    stop: stopTracingHere,
  }
}

/** Turns tracing off in this process. */
export function stopTracingHere(): void {
  traceWith(undefined)
  trace.disable()
  context.disable()
  propagation.disable()
}

export const idOf = (span: ReadableSpan) => span.spanContext().spanId
export const traceparentOf = (span: ReadableSpan) => {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-0${traceFlags}`
}
