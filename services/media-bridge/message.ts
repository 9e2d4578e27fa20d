import type { EventFrom } from '#events/kit/stream.ts'
import type { MediaProcessingRequested } from '#events/media.ts'
import { NOBODY } from '../kit/nobody.ts'

export const NAME = 'media-bridge'

export type QueueName = 'media'
export type Job = EventFrom<typeof MediaProcessingRequested>

/**
 * A message in the format of the worker contract, for VidWiz's workers and the original's, which reads only `video_id`, `url` and
 * `user_id`. The two ids at the end are additions: a worker may return them with its results.
 * @param of.number number of the video in the original's database
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
