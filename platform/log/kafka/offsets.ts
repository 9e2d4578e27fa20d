import type { Queryable } from '#platform/pg/pool.ts'
import type { Behind, Positions } from '../port.ts'

// What the relay keeps of where positions lie in Kafka: see log.offsets.

const BEYOND = `
  select p.number as partition, o."offset" from unnest($2::int[], $3::bigint[]) p(number, after), lateral (
    select "offset" from log.offsets o where o.topic = $1 and o.partition = p.number and o.pos <= p.after order by o.pos desc limit 1) o`

const HEADS = `
  select p.number as partition, o.pos, o."offset" from generate_series(0, $2::int - 1) p(number), lateral (
    select pos, "offset" from log.offsets o where o.topic = $1 and o.partition = p.number order by o.run desc limit 1) o`

/** Where to begin reading each partition so that nothing beyond these positions is missed; at most 1000 events too early. */
export async function offsetsBeyond(db: Queryable, topic: string, after: Positions): Promise<Map<number, number>> {
  const rows = await db.query<{ partition: number; offset: number }>('offsets.beyond', BEYOND, [
    topic,
    [...after.keys()],
    [...after.values()],
  ])
  const offsets = new Map([...after.keys()].map((partition) => [partition, 0]))
  for (const { partition, offset } of rows) offsets.set(partition, offset + 1)
  return offsets
}

/** The last event published to each partition; partitions without one are absent. */
export const publishedHeads = (db: Queryable, topic: { name: string; partitions: number }) =>
  db.query<{ partition: number; pos: number; offset: number }>('offsets.heads', HEADS, [topic.name, topic.partitions])

const LEFT = `
  select count(*) as events, min(time) as since from log.events where topic = $1 and partition = $2 and pos > $3 and pos <= $4`

/** What lies between two positions of a partition as far as the database still has it: less than there is if it was pruned. */
export async function leftInDatabase(
  db: Queryable,
  topic: string,
  partition: number,
  after: number,
  upTo: number,
): Promise<Behind> {
  const [left] = await db.query<{ events: number; since: number | null }>('offsets.left', LEFT, [topic, partition, after, upTo])
  return { partition, events: Math.max(1, left!.events), since: left!.since ?? Date.now() }
}
