import { dictionary } from '#platform/http/bounded.ts'
import { bodyTooLarge } from '#platform/http/errors.ts'
import { rule } from '#platform/http/fields.ts'
import { finite } from '#platform/http/finite.ts'
import { memberOf } from '#platform/http/json-member.ts'
import type { Request } from '#platform/http/request.ts'

/** YouTube's metadata of a video, as workers send it. */
export const MetadataObject = dictionary().refine(finite, rule('metadata must not contain NaN or Infinity'))

/** Bounds answers: a page of videos shows the metadata of up to fifty, and a video's readiness stream sends it whole. */
export const METADATA_LIMIT_BYTES = 1024 * 1024

/**
 * The text of the metadata in a request, exactly as the worker wrote it.
 *
 * @throws HttpError 413 when it is larger than METADATA_LIMIT_BYTES
 */
export async function metadataText({ bytes }: Request): Promise<string> {
  const text = (await memberOf(bytes!, 'metadata'))!
  if (text.length > METADATA_LIMIT_BYTES) throw bodyTooLarge(METADATA_LIMIT_BYTES)
  return text.toString()
}
