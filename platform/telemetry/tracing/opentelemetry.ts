import {
  context,
  createTraceState,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import type { SpanDetails, Tracing } from './tracing.ts'

/** OpenTelemetry's default limit for the links of a span. */
export const MOST_LINKS = 128

const KINDS = { client: SpanKind.CLIENT, producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER }

/** Traces with an OpenTelemetry tracer. @param end sends the remaining spans */
export function openTelemetry(tracer: Tracer, end: () => Promise<void>): Tracing {
  function started({ name, kind, attributes, from }: SpanDetails) {
    const options = { kind: kind ? KINDS[kind] : SpanKind.INTERNAL, attributes }
    if (from === undefined) {
      const around = context.active()
      return { around, span: tracer.startSpan(name, options, around) }
    }
    // The active span (the loop of a consumer, the first of many commands) is not the origin of this work, so it is no parent.
    const { parent, links } = stemsFrom(from)
    const around = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT
    return { around, span: tracer.startSpan(name, { ...options, links }, around) }
  }

  return {
    span(details, work) {
      const { around, span } = started(details)
      return context.with(trace.setSpan(around, span), () => ended(span, work, details.isAnswer))
    },
    traceparent() {
      const of = trace.getSpanContext(context.active())
      return of && traceparentOf(of)
    },
    quietly: (work) => context.with(suppressTracing(context.active()), work),
    end,
  }
}

function ended<T>(span: Span, work: () => T, isAnswer: SpanDetails['isAnswer']): T {
  let result: T
  try {
    result = work()
  } catch (error) {
    failed(span, error, isAnswer)
    throw error
  }
  if (!(result instanceof Promise)) {
    span.end()
    return result
  }
  result.then(
    () => span.end(),
    (error) => failed(span, error, isAnswer),
  )
  return result
}

/** Records only the error's code or name, because its message may contain text that a person wrote. The message is in the log. */
function failed(span: Span, error: unknown, isAnswer: SpanDetails['isAnswer']): void {
  const { name, code } = (error ?? {}) as { name?: string; code?: unknown }
  span.setAttribute('error.type', typeof code === 'string' ? code : (name ?? 'Error'))
  if (!isAnswer?.(error)) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}

/** A single origin becomes the parent; several become links, since none of them has precedence. */
function stemsFrom(from: Iterable<string | null | undefined>): { parent?: SpanContext; links?: Link[] } {
  const origins: SpanContext[] = []
  const seen = new Set<string>()
  for (const traceparent of from) {
    if (!traceparent || seen.has(traceparent)) continue
    seen.add(traceparent)
    const origin = spanContextOf(traceparent)
    if (origin) origins.push(origin)
    if (origins.length === MOST_LINKS) break
  }
  return origins.length === 1 ? { parent: origins[0]! } : { links: origins.map((context) => ({ context })) }
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/
const NONE = /^0+$/

/** Undefined for an invalid traceparent, which a stored event may contain. */
export function spanContextOf(traceparent: string): SpanContext | undefined {
  const [, version, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(traceparent) ?? []
  if (version === undefined || version === 'ff' || NONE.test(traceId) || NONE.test(spanId)) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), traceState: createTraceState(), isRemote: true }
}

const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext) =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
