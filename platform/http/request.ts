import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { performance } from 'node:perf_hooks'

const SANE_ID = /^[\w.:+/=@-]{1,128}$/
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** A request as routes see it. */
export class Request {
  /** From `X-Request-ID` if that is sane, else made up. Names the request in logs and events. */
  readonly id: string
  readonly method: string
  /** Decoded anew: no `%2F` hides in a segment, and every escape is a valid one. */
  readonly path: string
  readonly search: string
  readonly headers: IncomingHttpHeaders
  /** Of the client, as far as it can be trusted. */
  readonly address: string | undefined
  readonly startedAt = performance.now()
  /** The pattern of the route that answers, once known. */
  route: string | undefined
  /** Who asks, once known; for the access log. */
  actor: string | null = null
  /** The bytes of the body, for routes that take one. */
  bytes: Buffer | undefined
  /** Names the state of what is answered, in its double quotes; goes out as ETag. */
  etag: string | undefined
  /** Headers of the answer to come, names and values in turn. */
  readonly answerHeaders: string[] = []

  private readonly presence: () => AbortSignal
  private signal: AbortSignal | undefined

  /** @param presence says whether the client still waits */
  constructor(
    { method = '', url = '', headers }: IncomingMessage,
    address?: string,
    presence = () => new AbortController().signal,
  ) {
    this.presence = presence
    const given = headers['x-request-id']
    this.id = typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID()
    this.method = method
    this.headers = headers
    this.address = address
    const query = url.indexOf('?')
    this.path = canonical(query < 0 ? url : url.slice(0, query))
    this.search = query < 0 ? '' : url.slice(query + 1)
  }

  /** Aborted when there is no use in waiting any longer: the client has left, or the server is stopping. */
  get gone(): AbortSignal {
    this.signal ??= this.presence()
    return this.signal
  }

  /** The W3C trace context of the caller, if it sent a valid one. */
  get traceparent(): string | null {
    const given = this.headers.traceparent
    return typeof given === 'string' && TRACEPARENT.test(given) ? given : null
  }

  /** Gives the answer a header; of one name the last counts. */
  answerWith(name: string, value: string): void {
    const at = this.answerHeaders.indexOf(name)
    if (at < 0) this.answerHeaders.push(name, value)
    else this.answerHeaders[at + 1] = value
  }

  /** Query values by name; of a repeated name the last wins. */
  get query(): Record<string, string> {
    return this.search === '' ? {} : Object.fromEntries(new URLSearchParams(this.search))
  }
}

const PLAIN = /^[\w/.~-]*$/

/** Writes a path in one way: decoded (what is no valid escape stands for itself), then each segment encoded again. */
function canonical(path: string): string {
  if (PLAIN.test(path)) return path
  return decoded(path).split('/').map(encodeURIComponent).join('/')
}

const decoded = (path: string): string => {
  const bytes = path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  // Node hands over the bytes of a request line as Latin-1.
  return Buffer.from(bytes, 'latin1').toString()
}
