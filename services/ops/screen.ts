import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { failure } from '#platform/http/errors.ts'
import type { Request } from '#platform/http/request.ts'

/** Methods that change nothing. */
const SAFE = ['GET', 'HEAD', 'OPTIONS']

/**
 * Headers of every answer. Scripts and styles load only from this server, never inline; no other page may frame this one, read it
 * or learn its address.
 */
export const SAFE_HEADERS: readonly string[] = [
  ...[
    'Content-Security-Policy',
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  ],
  ...['X-Content-Type-Options', 'nosniff'],
  ...['X-Frame-Options', 'DENY'],
  ...['Referrer-Policy', 'no-referrer'],
  ...['Cross-Origin-Resource-Policy', 'same-origin'],
  ...['Cross-Origin-Opener-Policy', 'same-origin'],
  ...['Permissions-Policy', 'camera=(), geolocation=(), microphone=()'],
]

/**
 * Refuses requests that the page never sends, before anything else is checked.
 * @param names host names of the page, besides IP addresses and localhost
 */
export const screenOf =
  (names: readonly string[]) =>
  (request: Request): void => {
    const { method, path, headers } = request
    if (!isOurs(headers.host, names))
      throw failure(421, 'UNKNOWN_HOST', 'The page is not reached under this name: OPS_HOSTS says under which it is')
    const isApi = path === '/api' || path.startsWith('/api/')
    if (isApi) request.answerWith('Cache-Control', 'no-store')
    // A link from another site may lead to the page, but only the page itself may use the API.
    if ((isApi || !SAFE.includes(method)) && isCrossSite(method, headers))
      throw failure(403, 'CROSS_SITE', 'Only the page itself may ask for this')
  }

/**
 * Whether a request's Host is a known name of this server. An unknown one may be an attacker's domain that points here for a moment
 * (DNS rebinding). IP addresses are safe: only this server's own pages have them as origin.
 */
export function isOurs(host: string | undefined, names: readonly string[]): boolean {
  const name = hostnameOf(host)
  if (name === undefined) return false
  if (isIP(name) || name === 'localhost' || name.endsWith('.localhost')) return true
  return names.some((one) => one.toLowerCase() === name)
}

/** Host name without its port, in lower case; undefined if invalid. */
function hostnameOf(host: string | undefined): string | undefined {
  const [, address, name] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host ?? '') ?? []
  return (address ?? name)?.toLowerCase()
}

/**
 * Whether a page of another origin sent the request. Browsers tell with Sec-Fetch-Site, old ones with Origin. A client that sends
 * neither is not a browser: it may send, but not with a cookie.
 */
export function isCrossSite(method: string, headers: IncomingHttpHeaders): boolean {
  const { origin, host, cookie, 'sec-fetch-site': site } = headers
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  if (origin !== undefined) return URL.parse(origin)?.host !== host?.toLowerCase()
  return site === undefined && cookie !== undefined && !SAFE.includes(method)
}
