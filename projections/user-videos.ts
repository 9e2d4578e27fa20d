import { type NoteEvent, noteEvents } from '#events/note.ts'
import { folded } from './engine/text.ts'
import { gone, type Queryable, view } from './engine/view.ts'

/** A video on which a user has notes. */
export type UserVideoRow = {
  /** `<user id>:<video id>` */
  id: string
  user_id: number
  video_id: string
  notes: number
}

export const userVideosView = view('user-videos', {
  version: 1,
  from: noteEvents,
  key: 'id',
  columns: { id: 'text not null', user_id: 'bigint not null', video_id: 'text not null', notes: 'int not null' },
  indexes: ['(user_id, video_id)'],
  id: (event) => `${event.data.userId}:${event.data.videoId}`,
  evolve: (row: UserVideoRow | undefined, event: NoteEvent) => {
    const { userId: user_id, videoId: video_id } = event.data
    switch (event.type) {
      case 'NoteCreated':
        return { id: `${user_id}:${video_id}`, user_id, video_id, notes: (row?.notes ?? 0) + 1 }
      case 'NoteDeleted':
        return row && row.notes > 1 ? { ...row, notes: row.notes - 1 } : gone
      case 'NoteEdited':
        return undefined
    }
  },
})

export type VideoSort = 'created_at_desc' | 'created_at_asc' | 'title_asc' | 'title_desc'

/** Each ends in what makes pages stable. */
const orders: Record<VideoSort, string> = {
  created_at_desc: 'created_at desc, id desc',
  created_at_asc: 'created_at, id',
  title_asc: 'title_folded nulls last, id',
  title_desc: 'title_folded desc nulls first, id desc',
}

/** The count comes with the page, also when the page lies past the end. */
const listText = (sort: VideoSort) => `
  with mine as materialized (
    select v.video_id, v.id, v.title_folded, v.created_at from views.user_videos u join views.videos v using (video_id)
     where u.user_id = $1 and ($2 = '' or position($2 in v.title_folded) > 0)),
  page as (select * from mine order by ${orders[sort]} limit $3 offset $4)
  select (select count(*) from mine) as total, v.video_id, v.title, v.metadata
    from (select) one left join page p on true left join views.videos v using (video_id)
   order by ${orders[sort].replace(/\b(created_at|id|title_folded)\b/g, 'p.$1')}`

export interface VideoPage {
  /** How many there are on all pages. */
  total: number
  /** `metadata` is JSON text. */
  videos: { video_id: string; title: string | null; metadata: string | null }[]
}

/**
 * The videos on which a user has at least one note.
 *
 * @param q part of the title, taken literally whatever its case; empty for all
 */
export async function videosOf(
  db: Queryable,
  { userId, q, sort, limit, offset }: { userId: number; q: string; sort: VideoSort; limit: number; offset: number },
): Promise<VideoPage> {
  // Postgres cannot hold this character, so no title has it.
  if (q.includes('\0')) return { total: 0, videos: [] }
  const values = [userId, folded(q), limit, Math.min(offset, Number.MAX_SAFE_INTEGER)]
  const rows = await db.query<VideoPage['videos'][number] & { total: number }>(`userVideos.${sort}`, listText(sort), values)
  return { total: rows[0]!.total, videos: rows.filter((row) => row.video_id !== null).map(({ total: _, ...video }) => video) }
}
