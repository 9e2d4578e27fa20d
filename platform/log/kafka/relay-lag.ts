import type { Topic } from '#events/kit/stream.ts'
import { now as clock } from '#platform/clock.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { lagsOf } from '../postgres/lags.ts'

/** The relay's consumer and topic for monitoring; `*` because it covers all topics. */
export const RELAY = ['relay', '*'] as const

/** The events that the relay has not published to one partition yet. */
export interface RelayLag {
  consumer: 'relay'
  topic: string
  partition: number
  /** The last position published, over all topics. */
  pos: number
  events: number
  seconds: number
  parked: 0
}

/** How far the relay is behind the log, per topic and partition. The cost does not grow with the number of events. */
export async function relayLag(db: Queryable, topics: readonly Topic[], now = clock()): Promise<RelayLag[]> {
  const [relay] = await db.query<{ pos: number }>('relay.at', 'select pos from log.relay')
  const pos = relay?.pos ?? 0
  const lags = await lagsOf(
    db,
    topics.map((topic) => ({ topic, after: new Map(Array.from({ length: topic.partitions }, (_, n) => [n, pos])) })),
  )
  return topics
    .flatMap(({ name: topic }, n) =>
      lags[n]!.map(({ partition, events = 0, since }): RelayLag => {
        const seconds = since === null ? 0 : Math.max(0, (now - since) / 1000)
        return { consumer: 'relay', topic, partition, pos, events, seconds, parked: 0 }
      }),
    )
    .sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition))
}
