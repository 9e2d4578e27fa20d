import type { IncomingHttpHeaders } from 'node:http'

const TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/

/**
 * Reads a list of ETags as `If-Match` and `If-None-Match` have it.
 *
 * @returns the tags as they are written, `*` for anything, undefined when it is no such list
 */
export function tagsIn(header: string): string[] | '*' | undefined {
  const text = header.trim()
  if (text === '*') return text
  // A comma may stand within a tag.
  const tags = text.match(/(?:W\/)?"[^"]*"|[^,\s]+/g) ?? []
  return tags.length > 0 && tags.every((tag) => TAG.test(tag)) ? tags : undefined
}

/** Whether who asks has the state already that an answer would tell (304). A weak tag is as good as a strong one. */
export function hasAlready(etag: string, { 'if-none-match': header }: IncomingHttpHeaders): boolean {
  const tags = header === undefined ? undefined : tagsIn(header)
  return tags === '*' || (tags?.some((tag) => tag.replace(/^W\//, '') === etag) ?? false)
}
