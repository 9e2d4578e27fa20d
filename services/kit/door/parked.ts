import type { Queryable } from '#platform/pg/pool.ts'

/** An entry that a worker wrote and that could not become an event. */
export interface ParkedEntry {
  n: number
  what: string
  video_id: string
  job_id: number
  file_path: string | null
  cause: string
  at: string
}

/** Parked entries, newest first. */
export const parkedEntries = (door: Queryable, limit: number): Promise<ParkedEntry[]> =>
  door.query<ParkedEntry>(
    'entries.parked',
    `select n, what, video_id, job_id, file_path, cause, at from kept.entries where state = 'parked' order by n desc limit $1`,
    [limit],
  )

/**
 * Retries parked entries, and later entries of the same attempt, because whether a job is done depends on its files.
 * @param videos YouTube's ids; all, if empty
 * @returns the number of entries
 */
export async function redriveParked(door: Queryable, videos: readonly string[]): Promise<number> {
  const again = await door.query(
    'entries.redrive',
    `with again as (
       update kept.entries e set state = 'new', cause = null
        where exists (select from kept.entries p
                       where p.state = 'parked' and p.video = e.video and p.job_id = e.job_id and p.attempt = e.attempt and p.n <= e.n)
          and ($1::text[] = '{}' or video_id = any ($1::text[]))
       returning n)
     select n, pg_notify('door', '') from again`,
    [videos],
  )
  return again.length
}
