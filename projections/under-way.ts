import type { Queryable } from './engine/view.ts'

/** A job that media workers have, or will have, and all that one of them must know of it. */
export interface JobUnderWay {
  /** Number of the video. */
  id: number
  video_id: string
  job_id: number
  attempt: number
  /** Who asked for it, and the address of that user; null when nobody did. */
  user_id: number | null
  email: string | null
  /** As somebody noted it, else as YouTube has it. */
  title: string | null
  status: 'queued' | 'processing'
  correlation_id: string | null
  causation_id: string
}

/**
 * All jobs under way. `isWhole`: false when a view is behind another one, so that one is left out of which not everything is known.
 */
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

/** @param metadata JSON text, in which there may be characters that Postgres has no text for: so it is not asked to read it */
function titleIn(metadata: string | null): string | null {
  const { title } = JSON.parse(metadata ?? '{}') as { title?: unknown }
  return typeof title === 'string' ? title.toWellFormed().replaceAll('\0', '') : null
}
