import type { Db, Queryable } from '#platform/pg/pool.ts'
import { inTransaction } from '#platform/pg/pool.ts'
import type { JobUnderWay } from '#projections/under-way.ts'
import { NOBODY } from '../kit/nobody.ts'

/** Rows that no worker has locked. Locked rows are skipped without waiting, and change the next time. */
const FREE = `select id from kept.jobs order by id for update skip locked`

/**
 * Makes `kept.jobs` match the jobs under way: deletes jobs that ended and adds those that began. A status or title that a worker
 * wrote stays during the attempt.
 */
const SHOW = `
  with wanted as (
    select * from json_to_recordset($1) w(id bigint, video_id text, job_id bigint, attempt int, user_id bigint, email text, title text,
                                          url text, status text, correlation_id text, causation_id text)),
  gone as (
    delete from kept.jobs j where id = any ($2) and not exists (select from wanted w where w.id = j.id)),
  changed as (
    update kept.jobs j
       set job_id = w.job_id, attempt = w.attempt, user_id = w.user_id, email = w.email, url = w.url,
           title = case when j.is_written and j.job_id = w.job_id then j.title else w.title end,
           status = case when j.is_written and (j.job_id, j.attempt) = (w.job_id, w.attempt) then j.status else w.status end,
           is_written = j.is_written and (j.job_id, j.attempt) = (w.job_id, w.attempt),
           correlation_id = w.correlation_id, causation_id = w.causation_id
      from wanted w
     where j.id = w.id and j.id = any ($2)
       and ((j.job_id, j.attempt, j.email, j.causation_id) is distinct from (w.job_id, w.attempt, w.email, w.causation_id)
            or not j.is_written and (j.title, j.status) is distinct from (w.title, w.status)))
  insert into kept.jobs (id, video_id, job_id, attempt, user_id, email, title, url, status, correlation_id, causation_id)
  select id, video_id, job_id, attempt, user_id, email, title, url, status, correlation_id, causation_id from wanted w
   where not exists (select from kept.jobs j where j.id = w.id)`

/**
 * Deletes entries of ended jobs. While one of a job's entries is not done (parked, for example), all of them stay, at most 30 days:
 * a retried quiz needs the flashcards.
 */
const FORGET = `
  delete from kept.entries e
   where state <> 'new' and not exists (select from kept.jobs j where j.id = e.video and j.job_id = e.job_id)
     and (at < now() - interval '30 days'
          or not exists (select from kept.entries p where p.video = e.video and p.job_id = e.job_id and p.state <> 'done'))`

export type Shown = Pick<JobUnderWay, 'video_id' | 'job_id'>

/**
 * Shows workers the jobs under way, and no others.
 * @param watchUrl prefix of a video's address, before YouTube's id
 * @returns the jobs shown now, including rows that could not change because a worker had locked them
 */
export async function show(door: Db, jobs: readonly JobUnderWay[], watchUrl: string): Promise<Shown[]> {
  const rows = jobs.map(({ user_id, email, ...job }) => ({
    ...job,
    user_id: user_id ?? NOBODY.id,
    email: email ?? NOBODY.email,
    url: watchUrl + job.video_id,
  }))
  return door.tx(async (tx) => {
    const on = inTransaction(tx)
    const free = await on.query<{ id: number }>('jobs.free', FREE)
    await on.query('jobs.show', SHOW, [JSON.stringify(rows), free.map(({ id }) => id)])
    await on.query('entries.forget', FORGET)
    return on.query<Shown>('jobs.shown', 'select video_id, job_id from kept.jobs order by video_id')
  })
}

/** Records which jobs workers can find: the media-bridge sends their messages only then. */
export const tellShown = (db: Queryable, jobs: readonly Shown[]) =>
  db.query('door.tellShown', `update log.door set shows = $1::json, shown_at = now() where shows::text <> $1::json::text`, [
    JSON.stringify(Object.fromEntries(jobs.map(({ video_id, job_id }) => [video_id, job_id]))),
  ])
