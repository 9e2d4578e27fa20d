import type { Foldable } from '#events/kit/envelope.ts'
import { noCaseFor } from '#events/kit/stream.ts'
import { titleOf } from '#events/title.ts'
import { VideoAdded, type VideoEvent, videoEvents } from '#events/video.ts'
import { isoTime } from './engine/iso-time.ts'
import { folded, searchable } from './engine/text.ts'
import { type Queryable, view } from './engine/view.ts'

/** A YouTube video that VidWiz knows, for example because a user took a note on it. */
export type VideoRow = {
  video_id: string
  id: number
  title: string | null
  /** The title in lower case, for sorting; the order is the same under every database collation. */
  title_folded: string | null
  /** The title in the form that is searched. */
  title_searched: string | null
  /** JSON text, unchanged. */
  metadata: string | null
  transcript_available: boolean
  /** `speech` or `text` for a transcript that a worker made from the sound; null for captions. */
  transcript_origin: string | null
  /** Language of the transcription. */
  transcript_language: string | null
  summary: string | null
  /** JSON text: an array of strings. */
  suggested_questions: string | null
  created_at: string
  updated_at: string
}

type FoldedEvent = Foldable<VideoEvent>

export const videosView = view('videos', {
  version: 4,
  from: videoEvents,
  key: 'video_id',
  perStream: true,
  overwrites: [VideoAdded],
  columns: {
    video_id: 'text not null',
    id: 'bigint not null',
    title: 'text',
    title_folded: 'text collate "C"',
    title_searched: 'text collate "C"',
    metadata: 'text',
    transcript_available: 'boolean not null',
    transcript_origin: 'text',
    transcript_language: 'text',
    summary: 'text',
    suggested_questions: 'text',
    created_at: 'timestamptz not null',
    updated_at: 'timestamptz not null',
  },
  indexes: ['(id)'],
  tellsRows: true,
  id: (event) => event.data.videoId,
  evolve: (video: VideoRow | undefined, event: FoldedEvent) => {
    const at = isoTime(event.time)
    if (event.type === 'VideoAdded') {
      const { videoId: video_id, id, title } = event.data
      const noTranscript = { transcript_available: false, transcript_origin: null, transcript_language: null }
      const nothingYet = { metadata: null, ...noTranscript, summary: null, suggested_questions: null }
      return { video_id, id, ...titled(title), ...nothingYet, created_at: at, updated_at: at }
    }
    return video && updated(video, change(event), at)
  },
})

const MOST_FOLDED = 1_000

/** Old events may carry clients' placeholders as titles, from before placeholders were recognised. */
const titled = (given: string | null) => {
  const title = titleOf(given)
  if (title === null) return { title, title_folded: null, title_searched: null }
  // YouTube's titles are far shorter. The rest of a longer text is neither sorted nor searched by.
  const head = title.slice(0, MOST_FOLDED).toWellFormed()
  return { title, title_folded: folded(head), title_searched: searchable(head) }
}

const change = (event: Exclude<FoldedEvent, { type: 'VideoAdded' }>): Partial<VideoRow> => {
  switch (event.type) {
    case 'VideoTitled':
      return titled(event.data.title)
    case 'MetadataStored':
      return { metadata: event.data.metadata }
    case 'TranscriptStored': {
      const { rows, origin = null, language = null } = event.data
      return { transcript_available: rows > 0, transcript_origin: origin, transcript_language: language }
    }
    case 'SummaryStored':
      return { summary: event.data.summary }
    case 'QuestionsSuggested':
      return { suggested_questions: JSON.stringify(event.data.questions) }
    case 'TranscriptSetAside':
      return {}
    default:
      return noCaseFor(event)
  }
}

/** `updated_at` changes only when a value does. */
const updated = (video: VideoRow, change: Partial<VideoRow>, at: string): VideoRow => {
  const changed = Object.entries(change).some(([column, value]) => video[column as keyof VideoRow] !== value)
  return changed ? { ...video, ...change, updated_at: at } : video
}

/** A video as queries return it. Times as Postgres writes them (UTC). */
export type VideoRead = Omit<VideoRow, 'title_folded' | 'title_searched'>

const READ = `v.id, v.video_id, v.title, v.metadata, v.transcript_available, v.transcript_origin, v.transcript_language, v.summary,
  v.suggested_questions, v.created_at, v.updated_at`

export async function videoById(db: Queryable, videoId: string): Promise<VideoRead | undefined> {
  const [video] = await db.query<VideoRead>('videos.byId', `select ${READ} from views.videos v where video_id = $1`, [videoId])
  return video
}

/** YouTube's id of the video with VidWiz's number `id`; undefined when there is none. */
export async function videoIdBy(db: Queryable, id: number): Promise<string | undefined> {
  const [video] = await db.query<{ video_id: string }>('videos.byNumber', 'select video_id from views.videos where id = $1', [id])
  return video?.video_id
}

/** Which of metadata, transcript and summary a video has; one bit each. */
export type Parts = number
export const ALL_PARTS: Parts = 7
/** Differs from the parts of every video. */
export const PARTS_UNKNOWN: Parts = -1

export const partsOf = ({ metadata, transcript_available, summary }: VideoRead): Parts =>
  (metadata === null ? 0 : 1) + (transcript_available ? 2 : 0) + (summary === null ? 0 : 4)

const PARTS = '(v.metadata is not null)::int + 2 * v.transcript_available::int + 4 * (v.summary is not null)::int'

/** For each given video: its row, if its parts now differ from those given; otherwise undefined. */
export async function videosBeyond(
  db: Queryable,
  known: readonly { videoId: string; parts: Parts }[],
): Promise<(VideoRead | undefined)[]> {
  const rows = await db.query<VideoRead & { n: number }>(
    'videos.beyond',
    `select known.n, ${READ} from unnest($1::text[], $2::int[]) with ordinality known (video_id, parts, n)
       join views.videos v on v.video_id = known.video_id and ${PARTS} <> known.parts`,
    [known.map(({ videoId }) => videoId), known.map(({ parts }) => parts)],
  )
  const videos: (VideoRead | undefined)[] = known.map(() => undefined)
  for (const { n, ...video } of rows) videos[n - 1] = video
  return videos
}
