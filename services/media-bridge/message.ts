import type { EventFrom } from '#events/kit/stream.ts'
import type { MediaProcessingRequested } from '#events/media.ts'

export const NAME = 'media-bridge'

export type QueueName = 'media'
export type Job = EventFrom<typeof MediaProcessingRequested>

/** Who asks when nobody did, or nobody who has an address: a name that no mail reaches (RFC 2606). */
export const NOBODY = 'fallback@vidwiz.invalid'

/**
 * A message as media workers know it, ours and the original's (docs: the worker contract): that one reads `video_id`, `url` and
 * `user_id` alone. The two ids at the end are ours: who answers may hand them on.
 * @param of.number of the video, as the original's database has it
 */
export function bodyOf(
  { id, correlationId, data: { videoId, jobId, attempt, language } }: Job,
  of: { number: number; email: string | null; watchUrl: string },
): string {
  return JSON.stringify({
    video_id: of.number,
    url: `${of.watchUrl}${videoId}`,
    user_id: of.email ?? NOBODY,
    job_id: jobId,
    youtube_id: videoId,
    attempt,
    language,
    correlation_id: correlationId ?? id,
    causation_id: id,
  })
}
