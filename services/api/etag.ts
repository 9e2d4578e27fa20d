import { tagsIn } from '#platform/http/conditional.ts'
import type { Request } from '#platform/http/request.ts'
import { badRequest } from './errors.ts'

/** Names the state of a stream's thing: it changes with each of its events and never comes back. */
export const etagOf = (stream: string, version: number): string => `"${stream}@${version}"`

/**
 * The versions of a stream of which it must have one for the request to be carried out, as `If-Match` says.
 *
 * @returns undefined when any will do; tags of other things, and weak ones, name no version
 * @throws HttpError 400 when the header is no list of ETags
 */
export function expectedOf({ headers }: Request, stream: string): number[] | undefined {
  const header = headers['if-match']
  if (header === undefined) return undefined
  const tags = tagsIn(header)
  if (!tags) throw badRequest('If-Match must be * or ETags in double quotes')
  if (tags === '*') return undefined
  const versions = tags.map((tag) => Number(/@([1-9]\d*)"$/.exec(tag)?.[1]))
  return versions.filter((version, n) => etagOf(stream, version) === tags[n])
}
