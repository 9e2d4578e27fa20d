import { MILESTONES_UNTIL } from '#platform/log/consumers/milestones.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Places } from './chosen.ts'

/** With more events than this after the last milestone, counting would take too long. */
const MOST_UNCOUNTED = 200_000

// Counts from milestones (log.events_up_to), so its cost does not grow with the log. Without milestones it would count all events.
const COUNT = `
  select sum(log.events_up_to(p.topic, p.partition, $4) - log.events_up_to(p.topic, p.partition, $3))::bigint as events
    from unnest($1::text[], $2::int[]) p(topic, partition)
   where (select coalesce(max(pos), 0) from log.events) - coalesce((${MILESTONES_UNTIL}), 0) < ${MOST_UNCOUNTED}`

/** Number of events in these places after one position and up to another; undefined when that cannot be counted yet. */
export async function countBetween(db: Queryable, places: Places, after: number, upTo: number): Promise<number | undefined> {
  const all = places.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic: topic.name, partition })))
  const [row] = await db.query<{ events: number | null }>('topics.count', COUNT, [
    all.map(({ topic }) => topic),
    all.map(({ partition }) => partition),
    Math.min(after, upTo),
    upTo,
  ])
  return row?.events ?? undefined
}
