import type { Recorded } from '#events/kit/envelope.ts'
import type { Queryable } from '#platform/pg/pool.ts'

/** Whether a consumer has handled an event. */
export interface Applied {
  consumer: string
  /** Whether it is past the event: it applied, ignored or parked it. */
  isPast: boolean
  /**
   * When it was first seen past the event, in milliseconds since the epoch; it got there between the event's own time and this.
   * Null when unknown (or no longer kept).
   */
  seenAt: number | null
  /** The owner of the partition at that time; null when unknown (or no longer kept). */
  by: { service: string; host: string; pid: number } | null
}

/** How much the clocks of the database and of the appending process may differ. Allowing for it reads few rows in vain. */
const CLOCKS = "interval '10 seconds'"
/** Rows read for one consumer and one event. A busy consumer writes one every two seconds. */
const MOST_ROWS = 500

// Rows are compared whole, in the order of the primary key: comparing `at` alone would read all other consumers' rows as well.
// `since`: the start of the kept history. When an earlier event was applied is unknown.
const APPLIED = `
  select e.id, c.consumer, c.pos >= e.pos as "isPast", extract(epoch from a.at) * 1000 as "seenAt", o.service, o.host, o.pid
    from unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::float8[]) e(id, topic, partition, pos, time)
    join log.checkpoints c on c.topic = e.topic and c.partition = e.partition and c.consumer not like '%~next'
    cross join (select min(at) as since from log.advances) kept
    left join lateral (
      select near.at, near.owner
        from (select v.at, v.owner, v.positions from log.advances v
               where (v.consumer, v.topic, v.at) >= (c.consumer, e.topic, to_timestamp(e.time / 1000) - ${CLOCKS})
                 and (v.consumer, v.topic, v.at) <= (c.consumer, e.topic, 'infinity')
               order by v.consumer, v.topic, v.at limit ${MOST_ROWS}) near
       where (near.positions ->> e.partition::text)::bigint >= e.pos order by near.at limit 1) a
      on c.pos >= e.pos and to_timestamp(e.time / 1000) >= kept.since - ${CLOCKS}
    left join log.owners o on o.id = a.owner
   order by c.consumer`

/** By event id: every consumer of the event's topic, whether it is past the event, and if known, when and by which process. */
export async function appliedOf(db: Queryable, events: readonly Recorded[]): Promise<Map<string, Applied[]>> {
  const rows = await db.query<{
    id: string
    consumer: string
    isPast: boolean
    seenAt: string | null
    service: string | null
    host: string
    pid: number
  }>('story.applied', APPLIED, [
    events.map(({ id }) => id),
    events.map(({ topic }) => topic),
    events.map(({ partition }) => partition),
    events.map(({ pos }) => pos),
    // A time outside the calendar's range would fail the whole statement.
    events.map(({ time }) => Math.min(Math.max(0, time), 8.64e15)),
  ])
  const applied = new Map<string, Applied[]>()
  for (const { id, consumer, isPast, seenAt, service, host, pid } of rows) {
    const by = service === null ? null : { service, host, pid }
    const one = { consumer, isPast, seenAt: seenAt === null ? null : Math.round(Number(seenAt)), by }
    applied.set(id, [...(applied.get(id) ?? []), one])
  }
  return applied
}
