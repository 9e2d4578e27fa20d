import { now } from '#platform/clock.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Behind, Positions } from '../port.ts'
import { lagsOf } from '../postgres/lags.ts'

// Reads log.offsets, in which the relay stores the Kafka offsets of some positions.

const BEYOND = `
  select p.number as partition, o."offset" from unnest($2::int[], $3::bigint[]) p(number, after), lateral (
    select "offset" from log.offsets o where o.topic = $1 and o.partition = p.number and o.pos <= p.after order by o.pos desc limit 1) o`

const HEADS = `
  select p.number as partition, o.pos, o."offset" from generate_series(0, $2::int - 1) p(number), lateral (
    select pos, "offset" from log.offsets o where o.topic = $1 and o.partition = p.number order by o.run desc limit 1) o`

/** The Kafka offsets to read from so that no event after these positions is missed; at most 1000 events too early. */
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

const ALL_HEADS = `
  select t.name as topic, p.number as partition, o.pos, o."offset"
    from unnest($1::text[], $2::int[]) t(name, partitions), lateral generate_series(0, t.partitions - 1) p(number), lateral (
    select pos, "offset" from log.offsets o where o.topic = t.name and o.partition = p.number order by o.run desc limit 1) o`

/** The same for several topics at once, by `<topic> <partition>`. */
export async function headsOf(
  db: Queryable,
  topics: readonly { name: string; partitions: number }[],
): Promise<Map<string, { pos: number; offset: number }>> {
  const named = [...new Map(topics.map((topic) => [topic.name, topic.partitions]))]
  const rows = await db.query<{ topic: string; partition: number; pos: number; offset: number }>('offsets.allHeads', ALL_HEADS, [
    named.map(([name]) => name),
    named.map(([, partitions]) => partitions),
  ])
  return new Map(rows.map(({ topic, partition, pos, offset }) => [`${topic} ${partition}`, { pos, offset }]))
}

/** The events between two positions of a partition that the database has; fewer than there were, if it was pruned. */
async function between(db: Queryable, topic: string, partition: number, after: number, upTo: number) {
  // `lagsOf` counts all partitions from 0 on: the ones before this start at `upTo`, so that they cost nothing.
  const others = Array.from({ length: partition }, (_, other) => [other, upTo] as const)
  const place = { topic: { name: topic, partitions: partition + 1 }, after: new Map([...others, [partition, after]]) }
  const [partitions] = await lagsOf(db, [place], upTo)
  return partitions!.at(-1)!
}

export const countInDatabase = async (db: Queryable, topic: string, partition: number, after: number, upTo: number) =>
  (await between(db, topic, partition, after, upTo)).events ?? 0

export async function leftInDatabase(
  db: Queryable,
  topic: string,
  partition: number,
  after: number,
  upTo: number,
): Promise<Behind> {
  const { events, since } = await between(db, topic, partition, after, upTo)
  return { partition, events: Math.max(1, events ?? 1), since: since ?? now() }
}
