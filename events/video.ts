import { z } from 'zod'
import { id, videoId } from './ids.ts'
import type { NewEvent } from './kit/envelope.ts'
import { decider, type EventFrom, stream } from './kit/stream.ts'
import { videos as topic } from './topics.ts'

/** A YouTube video that somebody took a note on. Stream `video-<YouTube's id>`. */
export const videoStream = stream<{ videoId: string }>('video', { topic, id: (e) => e.videoId, key: (e) => e.videoId })

// Events ----------------------------------------------------------------

export const VideoAdded = videoStream.event('VideoAdded', 1, z.object({ videoId, id, title: z.string().nullable() }))
export const VideoTitled = videoStream.event('VideoTitled', 1, z.object({ videoId, title: z.string() }))
/** `metadata` is JSON text, kept to the letter: whole numbers of any size and the order of keys survive. */
export const MetadataStored = videoStream.event('MetadataStored', 1, z.object({ videoId, metadata: z.string() }))
/** The transcript itself lies in S3 under `s3Key`. */
export const TranscriptStored = videoStream.event(
  'TranscriptStored',
  1,
  z.object({ videoId, s3Key: z.string(), rows: z.int().nonnegative(), sizeBytes: z.int().nonnegative(), sha256: z.string() }),
)
export const SummaryStored = videoStream.event('SummaryStored', 1, z.object({ videoId, summary: z.string() }))

export const videoEvents = [VideoAdded, VideoTitled, MetadataStored, TranscriptStored, SummaryStored] as const
export type VideoEvent = EventFrom<(typeof videoEvents)[number]>

// State -----------------------------------------------------------------

export interface Video {
  id: number
  title: string | null
}

export const evolveVideo = (video: Video | undefined, event: VideoEvent): Video | undefined => {
  switch (event.type) {
    case 'VideoAdded':
      return { id: event.data.id, title: event.data.title }
    case 'VideoTitled':
      return video && { ...video, title: event.data.title }
    default:
      return video
  }
}

export const videos = decider<Video, VideoEvent>(videoStream, 1, evolveVideo)

// Decisions ---------------------------------------------------------------

/** The extension sends this literal when it found no title. */
const NO_TITLE = 'No YouTube video title found.'

/** What must happen to a video when somebody mentions it: it is added if new; its first non-empty title stays. */
export function mention(video: Video | undefined, cmd: { videoId: string; id: number; title?: string | null }): NewEvent[] {
  const title = cmd.title === NO_TITLE ? null : (cmd.title ?? null)
  if (!video) return [VideoAdded({ videoId: cmd.videoId, id: cmd.id, title })]
  if (!video.title && title) return [VideoTitled({ videoId: cmd.videoId, title })]
  return []
}
