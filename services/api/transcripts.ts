import { createHash } from 'node:crypto'
import { z } from 'zod'
import { asideKey, findVideo, type StoredTranscript, transcriptKey, useOf } from '#events/video.ts'
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

/** Under which name a transcript of a video is stored and recorded: one after the other, whoever brings them. */
export const aboutTranscript = (videoId: string) => `transcript of ${videoId}`

export interface Transcript extends Pick<StoredTranscript, 'origin' | 'language' | 'model'> {
  rows: readonly { offset?: unknown; duration?: unknown }[]
  /** The same rows, as they shall be stored. */
  json: string
}

/**
 * Puts a transcript where workers and the chat find it, or beside the one that they find there (see `useOf`). Only while nobody else
 * does anything about the video's transcript: the object that is in use is always the one that the video's stream says.
 *
 * @param replace whatever is used
 * @returns what an event may say of it, once it is there
 * @throws HttpError 503 when it could not be stored
 */
export async function keepTranscript(
  { objects, log }: App,
  ask: Tools['ask'],
  videoId: string,
  { rows, json, ...heard }: Transcript,
  replace = false,
): Promise<StoredTranscript> {
  const body = Buffer.from(json)
  const sha256 = createHash('sha256').update(body).digest('hex')
  const video = await ask(findVideo({ videoId }))
  const use = useOf(video, { sha256, rows: rows.length, ...heard }, replace)
  const isInUse = use === 'used' || video?.transcript?.sha256 === sha256
  const s3Key = isInUse ? transcriptKey(videoId) : asideKey(videoId)
  try {
    // What is in use is put again: should the object be lost, this brings it back.
    if (isInUse || use === 'aside') await objects.put(s3Key, body, 'application/json')
  } catch (error) {
    log.error({ fault: faultOf(error), s3Key }, 'could not store a transcript')
    throw failure(503, 'SERVICE_UNAVAILABLE', 'The transcript could not be stored, please try again', null, ['Retry-After', '1'])
  }
  return { s3Key, rows: rows.length, sizeBytes: body.length, sha256, endSeconds: endOf(rows), ...heard }
}

/** The moment at which the last row ends, in seconds; undefined unless every row says when it is spoken. */
function endOf(rows: Transcript['rows']): number | undefined {
  let end = 0
  for (const { offset, duration } of rows) {
    if (typeof offset !== 'number') return undefined
    end = Math.max(end, offset + (typeof duration === 'number' ? duration : 0))
  }
  return rows.length > 0 ? end : undefined
}
