import { createHash } from 'node:crypto'
import { z } from 'zod'
import { findVideo, hasTranscript, type StoredTranscript, transcriptKey } from '#events/video.ts'
import { faultOf } from '#platform/http/access-log.ts'
import { failure } from '#platform/http/errors.ts'
import { rule } from '#platform/http/fields.ts'
import type { App } from './deps.ts'
import { finite } from './numbers.ts'
import type { Tools } from './tools.ts'

/** The rows of a transcript, as workers send them: objects that have a `text`. */
export const TranscriptRows = z
  .array(z.record(z.string(), z.unknown()))
  .refine((rows) => rows.every((row) => Object.hasOwn(row, 'text')), rule("transcript items must contain 'text' field"))
  .refine(finite, rule('transcript must not contain NaN or Infinity'))

/**
 * Puts a transcript where workers and the chat find it.
 *
 * @param json the same rows as they were sent
 * @returns what an event may say of it, once it is there
 * @throws HttpError 503 when it could not be stored
 */
export async function keepTranscript(
  { objects, log }: App,
  ask: Tools['ask'],
  videoId: string,
  rows: readonly Record<string, unknown>[],
  json: string,
): Promise<StoredTranscript> {
  const s3Key = transcriptKey(videoId)
  const body = Buffer.from(json)
  // An empty one never takes the place of one with rows: the chat would find nothing to answer from.
  const isUseful = rows.length > 0 || !hasTranscript(await ask(findVideo({ videoId })))
  try {
    if (isUseful) await objects.put(s3Key, body, 'application/json')
  } catch (error) {
    log.error({ fault: faultOf(error), s3Key }, 'could not store a transcript')
    throw failure(503, 'SERVICE_UNAVAILABLE', 'The transcript could not be stored, please try again', null, ['Retry-After', '1'])
  }
  const sha256 = createHash('sha256').update(body).digest('hex')
  return { s3Key, rows: rows.length, sizeBytes: body.length, sha256, endSeconds: endOf(rows) }
}

/** The moment at which the last row ends, in seconds; undefined unless every row says when it is spoken. */
function endOf(rows: readonly Record<string, unknown>[]): number | undefined {
  let end = 0
  for (const { offset, duration } of rows) {
    if (typeof offset !== 'number') return undefined
    end = Math.max(end, offset + (typeof duration === 'number' ? duration : 0))
  }
  return rows.length > 0 ? end : undefined
}
