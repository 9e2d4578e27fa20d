import type { Queryable } from '#platform/pg/pool.ts'
import { FREED } from './stuck.ts'

/** Parked events with the same cause: kind of error, place in our code, and message pattern. */
export interface Group {
  /** `freed`: nothing fails there any more, and the waiting events can be redriven. */
  id: string
  /** Null: parked before causes were recorded, or freed. */
  error: string | null
  /** Place in our code, as `path:line`. */
  place: string | null
  pattern: string | null
  consumers: string[]
  topics: string[]
  streams: number
  /** The failed events and those that wait behind them. */
  events: number
  /** When the first and the last of its streams were parked, in milliseconds since the epoch. */
  firstAt: number
  lastAt: number
  /** Number of redrives by people, over all its streams. */
  redriven: number
  /** Streams that their consumer is about to retry. */
  due: number
  example: { consumer: string; stream: string; pos: number; version: number; type: string }
}

const MOST = 200

/** Groups of parked events, those with the most streams first. Of the events themselves, only the examples are read. */
export async function parkedGroups(
  db: Queryable,
  { consumer = null, group = null, limit = MOST }: { consumer?: string | null; group?: string | null; limit?: number } = {},
): Promise<Group[]> {
  const rows = await db.query<Omit<Group, 'example'> & { example: string }>(
    'parked.groups',
    `with stuck as (
       select consumer, min(topic) as topic, stream, coalesce(max(group_id), '${FREED}') as id, count(*) as events,
              coalesce(min(at) filter (where group_id is not null), min(at)) as at, max(redriven) as redriven,
              bool_or(state = 'due') as due
         from log.dead_letters where state <> 'skipped' and consumer not like '%~%' and ($1::text is null or consumer = $1)
        group by consumer, stream),
     groups as (
       select id, array_agg(distinct consumer) as consumers, array_agg(distinct topic) as topics, count(*) as streams,
              sum(events)::bigint as events, min(at) as first, max(at) as last, sum(redriven)::bigint as redriven,
              count(*) filter (where due) as due, min(array[consumer, stream]) as example
         from stuck where $2::text is null or id = $2 group by id order by streams desc, id limit $3)
     select g.id, e.error, e.place, e.pattern, g.consumers, g.topics, g.streams, g.events, g.redriven, g.due,
            (extract(epoch from g.first) * 1000)::bigint as "firstAt", (extract(epoch from g.last) * 1000)::bigint as "lastAt",
            json_build_object('consumer', e.consumer, 'stream', e.stream, 'pos', e.pos,
                              'version', e.event -> 'version', 'type', e.event -> 'type') as example
       from groups g, lateral (
         select * from log.dead_letters l where l.consumer = g.example[1] and l.stream = g.example[2] and l.state <> 'skipped'
          order by l.pos limit 1) e
      order by g.streams desc, g.id`,
    [consumer, group, limit],
  )
  return rows.map((row) => ({ ...row, example: JSON.parse(row.example) }))
}
