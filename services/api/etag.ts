import { createHash } from 'node:crypto'
import { z } from 'zod'
import { tagsIn } from '#platform/http/conditional.ts'
import type { Request } from '#platform/http/request.ts'
import { badRequest } from './errors.ts'

let suffix = ''

/**
 * Sets the log's epoch, which a process keeps for its lifetime. After a restore, lost versions are assigned again, so an old ETag
 * must not match the new state with the same version. Call it before anything is answered.
 */
export function tagWithEpoch(epoch: number): void {
  suffix = epoch > 1 ? `.${epoch}` : ''
}

export interface Tags {
  /** ETag of a stream's state: each event changes it, and no value ever comes back. */
  of(stream: string, version: number): string
  /**
   * The versions that `If-Match` allows: the stream must be at one of them for the request to be carried out.
   *
   * @returns undefined when any version will do; weak ETags and those of other streams or shapes allow no version
   * @throws HttpError 400 when the header is not a list of ETags
   */
  expected(request: Request, stream: string): number[] | undefined
}

/**
 * ETags for answers of a schema. The ETag includes the schema's fingerprint: after an upgrade that changes the shape, a browser's
 * cached answer is stale although the state is the same. It is derived, so that nobody has to bump a version.
 */
export function tagsOf(schema: z.ZodType): Tags {
  let shape: string | undefined
  const of = (stream: string, version: number) => {
    shape ??= fingerprint(schema)
    return `"${stream}@${version}${suffix}~${shape}"`
  }
  return {
    of,
    expected({ headers }, stream) {
      const header = headers['if-match']
      if (header === undefined) return undefined
      const tags = tagsIn(header)
      if (!tags) throw badRequest('If-Match must be * or ETags in double quotes')
      if (tags === '*') return undefined
      const versions = tags.map((tag) => Number(/@([1-9]\d*)(?:\.\d+)?~[\w-]+"$/.exec(tag)?.[1]))
      return versions.filter((version, n) => of(stream, version) === tags[n])
    },
  }
}

/** Covers all that clients get, including the order of keys. */
const fingerprint = (schema: z.ZodType): string =>
  createHash('sha256')
    .update(JSON.stringify(z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' })))
    .digest('base64url')
    .slice(0, 8)
