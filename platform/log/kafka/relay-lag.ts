import type { Queryable } from '#platform/pg/pool.ts'

/** What the relay has still to publish to one partition. */
export interface RelayLag {
  consumer: 'relay'
  topic: string
  partition: number
  /** The last position published, of all topics. */
  pos: number
  events: number
  seconds: number
  parked: 0
}

const LAG = `
  select t.name as topic, p.number as partition, r.pos, coalesce(e.events, 0)::int as events, e.since
    from log.relay r cross join unnest($1::text[], $2::int[]) t(name, partitions) cross join generate_series(0, t.partitions - 1) p(number)
    left join (
      select topic, partition, count(*) as events, min(time) as since from log.events
       where pos > (select pos from log.relay) group by 1, 2) e on e.topic = t.name and e.partition = p.number
   order by t.name, p.number`

/** How far the relay is behind the log, per topic and partition. */
export async function relayLag(
  db: Queryable,
  topics: readonly { name: string; partitions: number }[],
  now = Date.now(),
): Promise<RelayLag[]> {
  const rows = await db.query<{ topic: string; partition: number; pos: number; events: number; since: number | null }>(
    'relay.lag',
    LAG,
    [topics.map((topic) => topic.name), topics.map((topic) => topic.partitions)],
  )
  return rows.map(({ since, ...row }) => ({
    consumer: 'relay',
    ...row,
    seconds: since === null ? 0 : Math.max(0, (now - since) / 1000),
    parked: 0,
  }))
}
