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
