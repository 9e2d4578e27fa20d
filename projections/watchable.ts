import type { Queryable } from './engine/view.ts'

/** A viewer who wants to watch a video; a guest has no `userId`. */
export interface WatchRequest {
  userId: number | null
  /** The viewer as named in conversations. */
  viewer: string
  videoId: string
}

/** Which of them may watch: a guest any known video, a user only a video on which they have a note or a conversation. */
export async function areWatchable(db: Queryable, requests: readonly WatchRequest[]): Promise<boolean[]> {
  const rows = await db.query<{ n: number }>(
    'watchable',
    `select w.n from unnest($1::bigint[], $2::text[], $3::text[]) with ordinality w (user_id, viewer, video_id, n)
       join views.videos v using (video_id)
      where w.user_id is null
         or exists (select from views.user_videos u where u.user_id = w.user_id and u.video_id = w.video_id)
         or exists (select from views.conversations c where c.viewer = w.viewer and c.video_id = w.video_id)`,
    [requests.map(({ userId }) => userId), requests.map(({ viewer }) => viewer), requests.map(({ videoId }) => videoId)],
  )
  const may = new Set(rows.map(({ n }) => n))
  return requests.map((_, i) => may.has(i + 1))
}
