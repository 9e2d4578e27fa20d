/** The form that the API accepts; other characters may not even be allowed in a header. */
const SANE_ID = /^[\w.:+/=@-]{1,128}$/

/** Headers that name the client's request and the event that led to a worker's call. Only our own messages carry these ids. */
export function causeHeaders({ correlation_id, causation_id }: Record<string, unknown>): Record<string, string> {
  const given = { 'X-Request-ID': correlation_id, 'X-Causation-ID': causation_id }
  return Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && SANE_ID.test(entry[1])),
  )
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** Header that continues the trace of a message. The message carries it when its sender traces. */
export const traceHeaders = (traceparent: string | undefined): Record<string, string> =>
  traceparent !== undefined && TRACEPARENT.test(traceparent) ? { traceparent } : {}
