import type { IncomingMessage } from 'node:http'
import {
  badHead,
  expectationFailed,
  type HttpError,
  transferCodingNotImplemented,
  unsupportedCoding,
  versionNotSupported,
} from './errors.ts'
import { targetOf } from './target.ts'

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

/** Values that mean no compression; some clients wrongly send a charset in this field. */
const UNCHANGED = /^(identity|utf-?8)?$/

/** Refuses a compressed body: a small one could expand to any amount of memory. */
export function contentCodingProblem(req: IncomingMessage): HttpError | undefined {
  const coding = req.headers['content-encoding']?.trim().toLowerCase()
  return coding === undefined || UNCHANGED.test(coding) ? undefined : unsupportedCoding()
}

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
