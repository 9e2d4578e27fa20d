import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { performance } from 'node:perf_hooks'
import { badHead, expectationFailed, type HttpError, transferCodingNotImplemented, versionNotSupported } from './errors.ts'

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

/** The parsed target of a request. */
export interface Target {
  /** As it was sent. */
  path: string
  /** Without its question mark. */
  search: string
  /** Host of an absolute target; it replaces the Host field. */
  authority?: string
}

const ABSOLUTE = /^https?:\/\/([^/?#]*)/i

/** Parses the target of a request: `/path?query`, or `http://host/path?query`, which clients send to a proxy (RFC 9112 3.2.2). */
export function targetOf(url: string): Target {
  const [start, authority] = ABSOLUTE.exec(url) ?? []
  const rest = start === undefined ? url : url.slice(start.length)
  const query = rest.indexOf('?')
  return {
    path: (query < 0 ? rest : rest.slice(0, query)) || '/',
    search: query < 0 ? '' : rest.slice(query + 1),
    ...(authority !== undefined && { authority }),
  }
}

/** `host`, `host:port` or `[v6]:port`; empty is allowed (RFC 9110 7.2). */
const HOST = /^(?:[\w.~!$&'()*+,;=%-]*|\[[\da-fA-F:.]+\])(?::\d*)?$/

/**
 * Checks the head of any request for what Node's parser accepts but must be refused; undefined when it is valid.
 * After such a refusal the connection cannot be used for another request.
 */
export function headProblem(req: IncomingMessage): HttpError | undefined {
  const { httpVersionMajor: major, httpVersionMinor: minor, headers, url = '' } = req
  if (major !== 1) return versionNotSupported()
  const coding = headers['transfer-encoding']
  // Any coding before `chunked` would have to be decoded (RFC 9112 6.1).
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') return transferCodingNotImplemented()
  const hosts = valuesOf(req, 'host')
  if (hosts.length > 1) return badHead('a request has one Host')
  if (hosts.length === 0 && minor > 0) return badHead('a request has a Host')
  if (hosts.some((host) => !HOST.test(host))) return badHead('the Host is none')
  const { authority } = targetOf(url)
  if (authority !== undefined && (authority === '' || !HOST.test(authority))) return badHead('the host of its target is none')
  if (!url.startsWith('/') && url !== '*' && authority === undefined) return badHead('its target is neither a path nor of http')
  if (minor > 0 && headers.expect !== undefined && !CONTINUE.test(headers.expect)) return expectationFailed()
  return undefined
}

const CONTINUE = /^\s*100-continue\s*$/i

/** True when the client waits for `100 Continue` before it sends the body. HTTP/1.0 has no expectations. */
export const awaitsContinue = ({ headers, httpVersionMinor }: IncomingMessage): boolean =>
  httpVersionMinor > 0 && headers.expect !== undefined && CONTINUE.test(headers.expect)

/**
 * True when the connection must close after this request, even if the client would go on. Node's parser stops at a request with
 * `Upgrade` even when nothing is upgraded, and loses what follows. RFC 9112 6.1: an HTTP/1.0 request with Transfer-Encoding has
 * untrustworthy framing.
 */
export const isLastOfConnection = ({ headers, httpVersionMinor }: IncomingMessage): boolean =>
  headers.upgrade !== undefined || (httpVersionMinor === 0 && headers['transfer-encoding'] !== undefined)

/** All values of a header field; `headers` keeps only the first value of some fields. */
function valuesOf({ rawHeaders }: IncomingMessage, name: string): string[] {
  const values: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]!.toLowerCase() === name) values.push(rawHeaders[at + 1]!)
  return values
}
