import { z } from 'zod'
import { JsonText } from '#platform/http/json.ts'
import type { VideoRead as Video } from '#projections/videos.ts'
import { fromPg } from './times.ts'

export const Metadata = z.record(z.string(), z.unknown()).nullable()

export const VideoRead = z
  .object({
    id: z.int(),
    video_id: z.string(),
    title: z.string().nullable(),
    metadata: Metadata,
    transcript_available: z.boolean(),
    summary: z.string().nullable(),
    suggested_questions: z.array(z.string()).nullable(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: 'Video' })

const json = JSON.stringify

/** A video as JSON. Its metadata is passed through as text: parsing would lose large numbers and the order of keys. */
export function videoRead(video: Video): JsonText {
  const head = json({ id: video.id, video_id: video.video_id, title: video.title })
  const tail = json({
    transcript_available: video.transcript_available,
    summary: video.summary,
    suggested_questions: video.suggested_questions === null ? null : JSON.parse(video.suggested_questions),
    created_at: fromPg(video.created_at),
    updated_at: fromPg(video.updated_at),
  })
  return new JsonText(`${head.slice(0, -1)},"metadata":${video.metadata},${tail.slice(1)}`)
}
