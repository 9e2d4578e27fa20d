import type { Queryable } from '#platform/pg/pool.ts'

export type What = 'status' | 'transcript' | 'flashcards' | 'quiz'

/** Something that a worker wrote. */
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

/** Tells the entries of this door from those of one that was closed. */
export async function identityOf(door: Queryable): Promise<string> {
  const [row] = await door.query<{ id: string }>('door.id', 'select id from kept.door')
  return row!.id
}

/** What is no event yet, in order. */
export const newEntries = (door: Queryable, limit: number): Promise<Entry[]> =>
  door.query<Entry>('entries.new', `select ${COLUMNS} from kept.entries where state = 'new' order by n limit $1`, [limit])

/** @param content of an object that was read for it, as JSON */
export const settle = (door: Queryable, n: number, { cause, content }: { cause?: string; content?: unknown }) =>
  door.query(
    'entries.settle',
    `update kept.entries set state = case when $2::text is null then 'done' else 'parked' end, cause = $2, content = $3 where n = $1`,
    [n, cause ?? null, content === undefined ? null : JSON.stringify(content)],
  )

/** What a worker wrote about files in the same attempt before an entry: of each kind the last. */
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
