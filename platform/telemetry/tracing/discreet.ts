import type { Attributes } from '@opentelemetry/api'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'

/**
 * Attributes of libraries' spans that may leave the process. All others stay: headers, queries, addresses of people, parameters of
 * statements, message keys, error messages (P9). An allowlist also keeps back what a new version of a library adds.
 */
const TELLS = [
  /^vidwiz\./,
  /^error\.type$/,
  /^exception\.type$/,
  /^http\.(route|request\.method|response\.status_code)$/,
  /^url\.(scheme|path|full)$/,
  /^server\.(address|port)$/,
  /^network\.protocol\./,
  /^express\./,
  /^db\.(system\.name|namespace|operation\.name|query\.summary)$/,
  /^messaging\.(system|operation|operation\.(name|type)|destination\.name|destination\.partition\.id|consumer\.group\.name|batch\.message_count|message\.id)$/,
  /^(rpc|faas)\./,
  /^(cloud\.region|aws\.(region|request_id|s3\.bucket))$/,
]

const known = new Map<string, boolean>()

function mayTell(name: string): boolean {
  let may = known.get(name)
  if (may === undefined) {
    may = TELLS.some((one) => one.test(name))
    // Libraries use few names; the bound protects memory should one generate names.
    if (known.size < 1_000) known.set(name, may)
  }
  return may
}

/** The attributes that may leave the process. */
export function discreet(attributes: Attributes): Attributes {
  const told: Attributes = {}
  for (const name in attributes) {
    if (!mayTell(name)) continue
    const value = attributes[name]
    if (typeof value === 'string' && name === 'url.full') told[name] = withoutSecrets(value)
    else told[name] = value
  }
  return told
}

/** Removes the query, which may contain a key, and user and password before the host. */
function withoutSecrets(url: string): string {
  const { protocol, host, pathname } = URL.parse(url) ?? {}
  return host === undefined ? '' : `${protocol}//${host}${pathname}`
}

/** Wraps an exporter: passes on only the parts of each span that may leave the process. */
export const discreetExporter = (exporter: SpanExporter): SpanExporter => ({
  export: (spans, told) => exporter.export(spans.map(tellable), told),
  shutdown: () => exporter.shutdown(),
  forceFlush: async () => exporter.forceFlush?.(),
})

const tellable = (span: ReadableSpan): ReadableSpan => ({
  name: span.name,
  kind: span.kind,
  spanContext: () => span.spanContext(),
  parentSpanContext: span.parentSpanContext,
  startTime: span.startTime,
  endTime: span.endTime,
  // Only whether the span failed, without the error message.
  status: { code: span.status.code },
  attributes: discreet(span.attributes),
  links: span.links.map((link) => ({ ...link, attributes: discreet(link.attributes ?? {}) })),
  events: span.events.map((event) => ({ ...event, attributes: discreet(event.attributes ?? {}) })),
  duration: span.duration,
  ended: span.ended,
  resource: span.resource,
  instrumentationScope: span.instrumentationScope,
  droppedAttributesCount: span.droppedAttributesCount,
  droppedEventsCount: span.droppedEventsCount,
  droppedLinksCount: span.droppedLinksCount,
})
