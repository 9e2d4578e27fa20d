import type { Queryable } from '#platform/pg/pool.ts'
import type { PartitionBehind, Standpoint } from '../port.ts'

// A milestone is every thousandth event of a partition, stored with its number (see 002_consumers.sql). Between two positions only the
// events before the first milestone and after the last one are counted one by one. Rows are compared whole, as in reader.ts.

const LAGS = `
  select w.n, w.partition, w.after, w.head, first.pos as first, first.time as since, start.pos as "firstMark",
         start.events as "firstMarkEvents", before.events as before,
         case when first.pos is null then 0
              else before.events + case when start.pos is null then 0 else finish.events - start.events + behind.events end end as events,
         w.begin, lower.events as "lowerEvents", lower.pos as "lowerMark", below.events as "belowEvents"
    from (
      select u.n, u.topic, u.partition, u.after, least(coalesce(h.pos, 0), $5) as head, b.pos as begin
        from unnest($1::int[], $2::text[], $3::int[], $4::bigint[]) u(n, topic, partition, after)
        cross join (select coalesce(min(pos), 1) as pos from log.events) b
        left join lateral (
          select pos from log.events e
           where (e.topic, e.partition, e.pos) > (u.topic, u.partition, 0) and (e.topic, e.partition, e.pos) <= (u.topic, u.partition, $5)
           order by e.topic desc, e.partition desc, e.pos desc limit 1) h on true offset 0) w
    left join lateral (
      select pos, time from log.events e
       where (e.topic, e.partition, e.pos) > (w.topic, w.partition, w.after) and (e.topic, e.partition, e.pos) <= (w.topic, w.partition, w.head)
       order by e.topic, e.partition, e.pos limit 1) first on w.head > w.after
    left join lateral (
      select pos, events from log.milestones m
       where (m.topic, m.partition, m.pos) >= (w.topic, w.partition, first.pos) and (m.topic, m.partition, m.pos) <= (w.topic, w.partition, w.head)
       order by m.topic, m.partition, m.pos limit 1) start on first.pos is not null
    left join lateral (
      select pos, events from log.milestones m
       where (m.topic, m.partition, m.pos) >= (w.topic, w.partition, start.pos) and (m.topic, m.partition, m.pos) <= (w.topic, w.partition, w.head)
       order by m.topic desc, m.partition desc, m.pos desc limit 1) finish on start.pos is not null
    left join lateral (
      select count(*) as events from log.events e
       where (e.topic, e.partition, e.pos) >= (w.topic, w.partition, first.pos)
         and (e.topic, e.partition, e.pos) <= (w.topic, w.partition, coalesce(start.pos, w.head))) before on first.pos is not null
    left join lateral (
      select count(*) as events from log.events e
       where (e.topic, e.partition, e.pos) > (w.topic, w.partition, finish.pos)
         and (e.topic, e.partition, e.pos) <= (w.topic, w.partition, w.head)) behind on start.pos is not null
    left join lateral (
      select pos, events from log.milestones m
       where (m.topic, m.partition, m.pos) >= (w.topic, w.partition, w.after) and (m.topic, m.partition, m.pos) < (w.topic, w.partition, w.begin)
       order by m.topic, m.partition, m.pos limit 1) lower on w.after + 1 < w.begin
    left join lateral (
      select events from log.milestones m
       where (m.topic, m.partition, m.pos) >= (w.topic, w.partition, w.after) and (m.topic, m.partition, m.pos) < (w.topic, w.partition, w.begin)
       order by m.topic desc, m.partition desc, m.pos desc limit 1) below on w.after + 1 < w.begin
   order by w.n, w.partition`

interface Row {
  n: number
  partition: number
  after: number
  head: number
  first: number | null
  since: number | null
  firstMark: number | null
  firstMarkEvents: number | null
  before: number | null
  events: number
  begin: number
  lowerEvents: number | null
  lowerMark: number | null
  belowEvents: number | null
}

const BEYOND_ALL = Number.MAX_SAFE_INTEGER

/**
 * How far each of these consumers is behind on the embedded log. One statement, whose cost does not grow with the number of events.
 * @param upTo count no further than this position, if given
 * @returns for each element of `places` one row per partition
 */
export async function lagsOf(db: Queryable, places: readonly Standpoint[], upTo = BEYOND_ALL): Promise<PartitionBehind[][]> {
  const wanted = places.flatMap(({ topic, after }, n) =>
    Array.from({ length: topic.partitions }, (_, partition) => ({
      n,
      topic: topic.name,
      partition,
      after: after.get(partition) ?? 0,
    })),
  )
  const rows = await db.query<Row>('log.lags', LAGS, [
    wanted.map(({ n }) => n),
    wanted.map(({ topic }) => topic),
    wanted.map(({ partition }) => partition),
    wanted.map(({ after }) => after),
    upTo,
  ])
  const all: PartitionBehind[][] = places.map(() => [])
  for (const row of rows) {
    const { n, partition, head, events, since } = row
    all[n]!.push({ partition, head, events, since, lost: lostTo(row) })
  }
  return all
}

/**
 * Lower bound of the events that were pruned before the consumer handled them: the number of events before the beginning of the
 * log, less those handled. Events between the consumer's position and the milestone after it count as handled.
 */
function lostTo(row: Row): number {
  const { after, begin, firstMark, firstMarkEvents, before, lowerEvents, lowerMark, belowEvents } = row
  if (after + 1 >= begin) return 0
  // Number of events before the first one that is still there.
  const gone = firstMark !== null ? firstMarkEvents! - before! : (belowEvents ?? 0)
  const seen = after === 0 ? 0 : lowerEvents === null ? gone : lowerMark === after ? lowerEvents : lowerEvents - 1
  return Math.max(0, gone - seen)
}

const TOTALS = `
  select u.topic, u.partition, coalesce(m.events, 0) + c.events as total
    from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[]) u(topic, partition, pos, known, events)
    left join lateral (
      select pos, events from log.milestones m
       where (m.topic, m.partition, m.pos) > (u.topic, u.partition, u.known) and (m.topic, m.partition, m.pos) <= (u.topic, u.partition, u.pos)
       order by m.topic desc, m.partition desc, m.pos desc limit 1) k on true
    cross join lateral (select coalesce(k.pos, u.known) as pos, coalesce(k.events, u.events) as events) m
    cross join lateral (
      select count(*) as events from log.events e
       where (e.topic, e.partition, e.pos) > (u.topic, u.partition, m.pos) and (e.topic, e.partition, e.pos) <= (u.topic, u.partition, u.pos)) c`

/** Counts the events of partitions. Remembers each count, so that the next call counts only newer events. */
export function openTotals(
  db: Queryable,
): (heads: readonly { topic: string; partition: number; head: number }[]) => Promise<number[]> {
  const known = new Map<string, { pos: number; events: number }>()
  const keyOf = (one: { topic: string; partition: number }) => `${one.topic} ${one.partition}`
  return async (heads) => {
    const fresh = new Map(heads.filter((one) => one.head > (known.get(keyOf(one))?.pos ?? 0)).map((one) => [keyOf(one), one]))
    if (fresh.size > 0) {
      const asked = [...fresh.values()]
      const rows = await db.query<{ topic: string; partition: number; total: number }>('log.totals', TOTALS, [
        asked.map(({ topic }) => topic),
        asked.map(({ partition }) => partition),
        asked.map(({ head }) => head),
        asked.map((one) => known.get(keyOf(one))?.pos ?? 0),
        asked.map((one) => known.get(keyOf(one))?.events ?? 0),
      ])
      for (const row of rows) known.set(keyOf(row), { pos: fresh.get(keyOf(row))!.head, events: row.total })
    }
    return heads.map((one) => known.get(keyOf(one))?.events ?? 0)
  }
}
