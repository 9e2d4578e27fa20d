import { findVideo, type StoredTranscript } from '#events/video.ts'
import { dictionary, list } from '#platform/http/bounded.ts'
import { failure } from '#platform/http/errors.ts'
import { rule } from '#platform/http/fields.ts'
import { finite } from '#platform/http/finite.ts'
import { faultOf } from '#platform/telemetry/fault.ts'
import { putTranscript, type Transcript } from '../kit/transcripts.ts'
import type { App } from './deps.ts'
import type { Tools } from './tools.ts'

/** The rows of a transcript, as workers send them: objects that have a `text`. */
export const TranscriptRows = list(dictionary())
  .refine((rows) => rows.every((row) => Object.hasOwn(row, 'text')), rule("transcript items must contain 'text' field"))
  .refine(finite, rule('transcript must not contain NaN or Infinity'))

/**
 * Stores a transcript where workers and the chat find it, or set aside beside the one in use (see `putTranscript`).
 *
 * @param replace whether it replaces any transcript in use
 * @returns the data for the event, once the transcript is stored
 * @throws HttpError 503 when it could not be stored
 */
export async function keepTranscript(
  { objects, log }: App,
  ask: Tools['ask'],
  videoId: string,
  transcript: Transcript,
  replace = false,
): Promise<StoredTranscript> {
  const video = await ask(findVideo({ videoId }))
  try {
    return await putTranscript(objects, { videoId, video, replace }, transcript)
  } catch (error) {
    log.error({ fault: faultOf(error), videoId }, 'could not store a transcript')
    throw failure(503, 'SERVICE_UNAVAILABLE', 'The transcript could not be stored, please try again', null, ['Retry-After', '1'])
  }
}
