import type { Queryable } from '#platform/pg/pool.ts'

export type What = 'status' | 'transcript' | 'flashcards' | 'quiz'

/** A row that a worker wrote. */
export interface Entry {
  n: number
  what: What
  video_id: string
  job_id: number
  attempt: number
  correlation_id: string | null
  causation_id: string | null
  status: string | null
  language: string | null
  /** `s3://bucket/key`. */
  file_path: string | null
}

const COLUMNS = 'n, what, video_id, job_id, attempt, correlation_id, causation_id, status, language, file_path'

/** Identifies this door, to tell its entries from those of an earlier door. */
export async function identityOf(door: Queryable): Promise<string> {
  const [row] = await door.query<{ id: string }>('door.id', 'select id from kept.door')
  return row!.id
}

/** Entries not yet processed, in order. */
export const newEntries = (door: Queryable, limit: number): Promise<Entry[]> =>
  door.query<Entry>('entries.new', `select ${COLUMNS} from kept.entries where state = 'new' order by n limit $1`, [limit])

/**
 * @param content JSON of the object that was read for the entry
 */
export const settle = (door: Queryable, n: number, { cause, content }: { cause?: string; content?: unknown }) =>
  door.query(
    'entries.settle',
    `update kept.entries set state = case when $2::text is null then 'done' else 'parked' end, cause = $2, content = $3 where n = $1`,
    [n, cause ?? null, content === undefined ? null : JSON.stringify(content)],
  )

/** A file that a worker announced before an entry, in the same attempt: the last of each kind, preferring unparked ones. */
export interface File {
  what: Exclude<What, 'status'>
  language: string | null
  cause: string | null
  /** JSON text. */
  content: string | null
}

export const filesBefore = (door: Queryable, { n, video_id, job_id, attempt }: Entry): Promise<File[]> =>
  door.query<File>(
    'entries.files',
    `select distinct on (what) what, language, cause, content from kept.entries
      where video_id = $1 and job_id = $2 and attempt = $3 and n < $4 and what <> 'status'
      order by what, (state = 'parked'), n desc`,
    [video_id, job_id, attempt, n],
  )
