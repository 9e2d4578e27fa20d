/** As the API takes them; anything else would not even go into a header. */
const SANE_ID = /^[\w.:+/=@-]{1,128}$/

/** Tells the API for which request of a client, and because of what, a worker asks: our own messages say so, others do not. */
export function causeHeaders({ correlation_id, causation_id }: Record<string, unknown>): Record<string, string> {
  const given = { 'X-Request-ID': correlation_id, 'X-Causation-ID': causation_id }
  return Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && SANE_ID.test(entry[1])),
  )
}
