import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { performance } from 'node:perf_hooks'
import { targetOf } from './target.ts'

const SANE_ID = /^[\w.:+/=@-]{1,128}$/
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** A request as routes see it. */
export class Request {
  /** From `X-Request-ID` if that is sane, otherwise random. Identifies the request in logs and events. */
  readonly id: string
  readonly method: string
  /** In canonical form: decoded, then encoded again, so no segment contains `%2F` and every escape is valid. */
  readonly path: string
  readonly search: string
  readonly headers: IncomingHttpHeaders
  /** The client's address, from trusted proxies or the connection. */
  readonly address: string | undefined
  readonly startedAt = performance.now()
  /** The pattern of the route that answers, once known. */
  route: string | undefined
  /** The authenticated user or client, once known; for the access log. */
  actor: string | null = null
  /** The event that the request is about, if it comes from someone who may say so. */
  causationId: string | null = null
  /** The bytes of the body, for routes that take one. */
  bytes: Buffer | undefined
  /** The answer's ETag, including its double quotes. */
  etag: string | undefined
  /** Headers of the answer to come, names and values in turn. */
  readonly answerHeaders: string[] = []

  private readonly presence: () => AbortSignal
  private signal: AbortSignal | undefined

  /** @param presence creates the signal for `gone` */
  constructor(
    { method = '', url = '', headers }: IncomingMessage,
    address?: string,
    presence = () => new AbortController().signal,
  ) {
    this.presence = presence
    const given = headers['x-request-id']
    this.id = typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID()
    this.method = method
    const { path, search, authority } = targetOf(url)
    this.headers = authority === undefined ? headers : { ...headers, host: authority }
    this.address = address
    this.path = canonical(path)
    this.search = search
  }

  /** Aborted when waiting has become pointless: the client has disconnected, or the server is stopping. */
  get gone(): AbortSignal {
    this.signal ??= this.presence()
    return this.signal
  }

  /** The W3C trace context of the caller, if it sent a valid one. */
  get traceparent(): string | null {
    const given = this.headers.traceparent
    return typeof given === 'string' && TRACEPARENT.test(given) ? given : null
  }

  /** Sets a header of the answer; replaces one of the same name. */
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

/** The canonical form of a path: decoded (an invalid escape stands for itself), then each segment encoded again. */
function canonical(path: string): string {
  if (PLAIN.test(path)) return path
  return decoded(path).split('/').map(encodeURIComponent).join('/')
}

const decoded = (path: string): string => {
  const bytes = path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  // Node hands over the bytes of a request line as Latin-1.
  return Buffer.from(bytes, 'latin1').toString()
}
