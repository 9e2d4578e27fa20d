import type { Queryable } from './engine/view.ts'

/** A job that media workers have or will get, with all the data a worker needs. */
export interface JobUnderWay {
  /** Number of the video. */
  id: number
  video_id: string
  job_id: number
  attempt: number
  /** The user who asked for the job, with the e-mail address; null when no user did. */
  user_id: number | null
  email: string | null
  /** The title that a client sent, else YouTube's. */
  title: string | null
  status: 'queued' | 'processing'
  correlation_id: string | null
  causation_id: string
}

/** All open jobs. `isWhole` is false when a job was left out because the view of videos or of users lags behind that of media. */
export async function jobsUnderWay(db: Queryable): Promise<{ jobs: JobUnderWay[]; isWhole: boolean }> {
  const rows = await db.query<Omit<JobUnderWay, 'id'> & { id: number | null; metadata: string | null }>(
    'media.underWay',
    `select v.id, m.video_id, m.job_id, m.attempt, m.user_id, u.email, m.status,
            v.title, case when v.title is null then v.metadata end as metadata, m.correlation_id, m.event_id as causation_id
       from views.media m
       left join views.videos v on v.video_id = m.video_id
       left join views.users u on u.user_id = m.user_id
      where m.status in ('queued', 'processing') order by m.video_id`,
  )
  const jobs = rows.flatMap(({ id, metadata, ...row }): JobUnderWay[] => {
    const isKnown = id !== null && (row.user_id === null) === (row.email === null)
    return isKnown ? [{ ...row, id, title: row.title ?? titleIn(metadata) }] : []
  })
  return { jobs, isWhole: jobs.length === rows.length }
}

/** Parsed here, not in Postgres: the text may contain characters that Postgres cannot store. @param metadata JSON text */
function titleIn(metadata: string | null): string | null {
  const { title } = JSON.parse(metadata ?? '{}') as { title?: unknown }
  return typeof title === 'string' ? title.toWellFormed().replaceAll('\0', '') : null
}
