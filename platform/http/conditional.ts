import type { IncomingHttpHeaders } from 'node:http'

const TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/

/**
 * Parses the list of ETags in `If-Match` or `If-None-Match`.
 *
 * @returns the tags as written, `*` for any, undefined when the header is invalid
 */
export function tagsIn(header: string): string[] | '*' | undefined {
  const text = header.trim()
  if (text === '*') return text
  // A tag may contain a comma.
  const tags = text.match(/(?:W\/)?"[^"]*"|[^,\s]+/g) ?? []
  return tags.length > 0 && tags.every((tag) => TAG.test(tag)) ? tags : undefined
}

/** True when the client already has the state with this ETag (answer 304). Weak tags match like strong ones. */
export function hasAlready(etag: string, { 'if-none-match': header }: IncomingHttpHeaders): boolean {
  const tags = header === undefined ? undefined : tagsIn(header)
  return tags === '*' || (tags?.some((tag) => tag.replace(/^W\//, '') === etag) ?? false)
}
