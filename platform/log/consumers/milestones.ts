/** Events of a partition between two milestones. */
export const MILESTONE = 1_000
/** Query for the position up to which milestones are complete; no row before the first step. */
export const MILESTONES_UNTIL = `select events from log.milestones where topic = '' and partition = 0 and pos = 0`
/** Most positions per step. */
const STEP = 20_000

/**
 * Numbers the events of each partition and stores every thousandth as a milestone, up to the end of the log or for one step. The
 * common table expressions `reached`, `span`, … and `done` of a statement. The row of topic '' has the position up to which
 * milestones are complete. A process that does not get the lock does nothing; two at once would write the same.
 *
 * Does nothing before a thousand new positions, so a log at rest costs one look at its last position.
 */
export const EXTEND_MILESTONES = `
  reached as (
    select coalesce((${MILESTONES_UNTIL}), 0) as done,
           coalesce((select max(pos) from log.events), 0) as head),
  span as materialized (
    select done, least(head, done + ${STEP}) as upto, head from reached
     where case when head - done >= ${MILESTONE} then pg_try_advisory_xact_lock(7002) else false end),
  touched as materialized (
    select distinct e.topic, e.partition from span s join lateral (
      select topic, partition from log.events where pos > s.done and pos <= s.upto) e on true),
  numbered as (
    select t.topic, t.partition, e.pos, coalesce(m.events, 0) + row_number() over (partition by t.topic, t.partition order by e.pos) as n
      from span s cross join touched t
      left join lateral (
        select pos, events from log.milestones m
         where (m.topic, m.partition, m.pos) > (t.topic, t.partition, 0) and (m.topic, m.partition, m.pos) <= (t.topic, t.partition, s.upto)
         order by m.topic desc, m.partition desc, m.pos desc limit 1) m on true
      cross join lateral (
        select pos from log.events e
         where (e.topic, e.partition, e.pos) > (t.topic, t.partition, coalesce(m.pos, 0))
           and (e.topic, e.partition, e.pos) <= (t.topic, t.partition, s.upto)
         order by e.topic, e.partition, e.pos) e),
  milestones as (
    insert into log.milestones (topic, partition, pos, events)
    select topic, partition, pos, n from numbered where n % ${MILESTONE} = 0
    on conflict do nothing),
  done as (
    insert into log.milestones as m (topic, partition, pos, events) select '', 0, 0, upto from span
    on conflict (topic, partition, pos) do update set events = greatest(m.events, excluded.events))`
