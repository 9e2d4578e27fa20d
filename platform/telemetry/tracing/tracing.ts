/** Description of a span. Never contains data of an event, nor anything that a person wrote (P9). */
export interface SpanDetails {
  /** The same for all work of a kind, such as `project notes`, without ids. */
  name: string
  /** Internal work of this process if not given. */
  kind?: 'client' | 'producer' | 'consumer'
  attributes?: Record<string, string | number | undefined>
  /**
   * W3C `traceparent`s of the work's origins. A single one becomes the parent; with several the span starts a new trace and links to
   * them. If not given, the active span is the parent.
   */
  from?: Iterable<string | null | undefined>
  /** True for an error that is a regular answer: it is recorded, but the span does not count as failed. */
  isAnswer?(error: unknown): boolean
}

/** The implementation behind this file's functions when tracing is on. */
export interface Tracing {
  span<T>(details: SpanDetails, work: () => T): T
  traceparent(): string | undefined
  quietly<T>(work: () => T): T
  end(): Promise<void>
}

// This file imports no OpenTelemetry module: without tracing none is loaded, and a span costs one comparison.
let tracing: Tracing | undefined

/** Turns tracing on, or off with undefined. Called first in the process, and by tests. */
export const traceWith = (one: Tracing | undefined): void => {
  tracing = one
}

/** True when tracing is on; lets callers skip lookups that only tracing needs. */
export const isTracing = (): boolean => tracing !== undefined

/**
 * Runs work in a span that ends when the work (or its promise) ends.
 * @param details called only when tracing is on; returns undefined to skip the span
 */
export function span<T>(details: () => SpanDetails | undefined, work: () => T): T {
  if (tracing === undefined) return work()
  const told = details()
  return told ? tracing.span(told, work) : work()
}

/** The `traceparent` of the active span, for events and requests; the given value when tracing is off. */
export const traceparentOr = <T extends string | null | undefined>(given: T): T | string =>
  tracing === undefined ? given : (tracing.traceparent() ?? given)

/** Runs work without spans, including those of libraries: for loops that wait, and for work that would create a span per message. */
export const quietly = <T>(work: () => T): T => (tracing === undefined ? work() : tracing.quietly(work))

/** Sends the remaining spans. Takes two seconds at most, regardless of the receiver, and never rejects. */
export const endTracing = async (): Promise<void> => tracing?.end()
