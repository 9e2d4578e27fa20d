import type { Topic } from '#events/kit/stream.ts'
import { now as clock } from '#platform/clock.ts'
import type { Reader } from '#platform/log/port.ts'
import type { Queryable } from '#platform/pg/pool.ts'

/** A consumer of a topic: a view, a reactor or a bridge. */
export interface Consumer {
  name: string
  topic: Topic
}

/** A consumer's lag in one partition. */
export interface PartitionLag {
  consumer: string
  topic: string
  partition: number
  /** Position of the last applied event. */
  pos: number
  /** Number of events not yet applied, and the age of the oldest in seconds. */
  events: number
  seconds: number
  /** Number of parked events: failed, or waiting behind a failed one. */
  parked: number
}

const STAND = `select partition, pos from log.checkpoints where consumer = $1 and topic = $2`
const PARKED = `select partition, count(*) as parked from log.dead_letters where consumer = $1 and topic = $2 and state <> 'skipped' group by partition`

/** The current lag of a consumer in each partition of its topic. */
export async function lagOf(
  { name: consumer, topic }: Consumer,
  { db, reader, now = clock() }: { db: Queryable; reader: Reader; now?: number },
): Promise<PartitionLag[]> {
  const stand = await db.query<{ partition: number; pos: number }>('lag.stand', STAND, [consumer, topic.name])
  const parked = await db.query<{ partition: number; parked: number }>('lag.parked', PARKED, [consumer, topic.name])
  const after = new Map(stand.map(({ partition, pos }) => [partition, pos]))
  const behind = new Map((await reader.behind(topic, after)).map((b) => [b.partition, b]))
  const parkedIn = new Map(parked.map((p) => [p.partition, p.parked]))
  return Array.from({ length: topic.partitions }, (_, partition) => {
    const left = behind.get(partition)
    return {
      consumer,
      topic: topic.name,
      partition,
      pos: after.get(partition) ?? 0,
      events: left?.events ?? 0,
      // The clocks of two machines may differ a little, so the age could come out negative.
      seconds: left ? Math.max(0, (now - left.since) / 1000) : 0,
      parked: parkedIn.get(partition) ?? 0,
    }
  })
}

/** Consumers that are not views, such as reactors: all others with a checkpoint. */
export async function otherConsumers(
  db: Queryable,
  views: readonly Pick<Consumer, 'name'>[],
  topics: readonly Topic[],
): Promise<Consumer[]> {
  const rows = await db.query<{ consumer: string; topic: string }>(
    'lag.others',
    `select distinct consumer, topic from log.checkpoints
      where consumer <> all ($1::text[]) and consumer not like '%~next' order by 1, 2`,
    [views.map(({ name }) => name)],
  )
  const byName = new Map(topics.map((topic) => [topic.name, topic]))
  return rows.flatMap(({ consumer: name, topic }) => (byName.has(topic) ? [{ name, topic: byName.get(topic)! }] : []))
}
