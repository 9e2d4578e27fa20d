import { type VideoEvent, videoEvents } from '#events/video.ts'
import { folded } from './engine/text.ts'
import { type Queryable, view } from './engine/view.ts'

/** A video that somebody took a note on. */
export type VideoRow = {
  video_id: string
  id: number
  title: string | null
  /** The title in lower case: what is searched and sorted by, the same under every collation. */
  title_folded: string | null
  /** JSON text, kept to the letter. */
  metadata: string | null
  transcript_available: boolean
  summary: string | null
  created_at: string
  updated_at: string
}

export const videosView = view('videos', {
  version: 1,
  from: videoEvents,
  key: 'video_id',
  columns: {
    video_id: 'text not null',
    id: 'bigint not null',
    title: 'text',
    title_folded: 'text collate "C"',
    metadata: 'text',
    transcript_available: 'boolean not null',
    summary: 'text',
    created_at: 'timestamptz not null',
    updated_at: 'timestamptz not null',
  },
  id: (event) => event.data.videoId,
  evolve: (video: VideoRow | undefined, event: VideoEvent) => {
    const at = new Date(event.time).toISOString()
    if (event.type === 'VideoAdded') {
      const { videoId: video_id, id, title } = event.data
      const nothingYet = { metadata: null, transcript_available: false, summary: null }
      return { video_id, id, ...titled(title), ...nothingYet, created_at: at, updated_at: at }
    }
    return video && updated(video, change(event), at)
  },
})

const titled = (title: string | null) => ({ title, title_folded: title === null ? null : folded(title) })

const change = (event: VideoEvent): Partial<VideoRow> => {
  switch (event.type) {
    case 'VideoTitled':
      return titled(event.data.title)
    case 'MetadataStored':
      return { metadata: event.data.metadata }
    case 'TranscriptStored':
      return { transcript_available: event.data.rows > 0 }
    case 'SummaryStored':
      return { summary: event.data.summary }
    default:
      return {}
  }
}

/** `updated_at` moves only when a value does. */
const updated = (video: VideoRow, change: Partial<VideoRow>, at: string): VideoRow => {
  const changed = Object.entries(change).some(([column, value]) => video[column as keyof VideoRow] !== value)
  return changed ? { ...video, ...change, updated_at: at } : video
}

/** One video; moments as Postgres writes them (UTC). */
export async function videoById(db: Queryable, videoId: string): Promise<Omit<VideoRow, 'title_folded'> | undefined> {
  const [video] = await db.query<VideoRow>(
    'videos.byId',
    'select id, video_id, title, metadata, transcript_available, summary, created_at, updated_at from views.videos where video_id = $1',
    [videoId],
  )
  return video
}
