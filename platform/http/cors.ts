import type { IncomingHttpHeaders } from 'node:http'

const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']
const CREDENTIALS = ['Access-Control-Allow-Credentials', 'true']

export interface Preflight {
  status: 200 | 400
  headers: string[]
  body: string
}

/** True for a CORS preflight request. */
export const isPreflight = (method: string | undefined, headers: IncomingHttpHeaders): boolean =>
  method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined

/** Answers a CORS preflight request: any origin may send anything. */
export function preflight(headers: IncomingHttpHeaders): Preflight {
  const requested = headers['access-control-request-headers']
  const allowed = METHODS.includes(headers['access-control-request-method']!)
  return {
    status: allowed ? 200 : 400,
    headers: [
      ...['Access-Control-Allow-Origin', headers.origin!],
      ...CREDENTIALS,
      ...['Access-Control-Allow-Methods', METHODS.join(', ')],
      ...['Access-Control-Max-Age', '600'],
      ...['Vary', 'Origin'],
      ...(requested ? ['Access-Control-Allow-Headers', requested] : []),
    ],
    body: allowed ? 'OK' : 'Disallowed CORS method',
  }
}

/** The request that is answered. */
interface Asked {
  method: string
  headers: IncomingHttpHeaders
}

const NONE: readonly string[] = []

/**
 * Builds the headers, names and values in turn, that let a page of another origin read an answer.
 *
 * @param exposed names of our headers that such a page may read
 */
export function crossOrigin(exposed: readonly string[]): (request: Asked) => readonly string[] {
  const granted = [...CREDENTIALS, 'Access-Control-Expose-Headers', exposed.join(', ')]
  const toAnyone = ['Access-Control-Allow-Origin', '*', ...granted]
  return ({ method, headers }) => {
    const { origin, cookie } = headers
    // A preflight request has headers of its own.
    if (origin === undefined || isPreflight(method, headers)) return NONE
    // Browsers reject `*` for requests with cookies.
    return cookie === undefined ? toAnyone : ['Access-Control-Allow-Origin', origin, ...granted, 'Vary', 'Origin']
  }
}
