import type { EventFrom } from '#events/kit/stream.ts'
import type { MediaProcessingRequested } from '#events/media.ts'
import { NOBODY } from '../kit/nobody.ts'

export const NAME = 'media-bridge'

export type QueueName = 'media'
export type Job = EventFrom<typeof MediaProcessingRequested>

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
    user_id: of.email ?? NOBODY.email,
    job_id: jobId,
    youtube_id: videoId,
    attempt,
    language,
    correlation_id: correlationId ?? id,
    causation_id: id,
  })
}
