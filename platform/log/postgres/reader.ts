import type { Recorded } from '#events/kit/envelope.ts'
import type { Topic } from '#events/kit/stream.ts'
import type { Listener } from '#platform/pg/listen.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { Trouble } from '#platform/trouble.ts'
import type { Behind, Follower, Following, Positions, Reader } from '../port.ts'
import { follow } from './follow.ts'
import { EVENT_COLUMNS } from './rows.ts'

// Rows are compared whole, in the order of `events_by_partition`: no other index can serve that, so the planner cannot be
// tempted to walk the primary key past the events of all other partitions.

const READ = `
  select ${EVENT_COLUMNS} from unnest($2::int[], $3::bigint[]) p(number, after), lateral (
    select * from log.events e
     where (e.topic, e.partition, e.pos) > ($1, p.number, p.after) and (e.topic, e.partition, e.pos) <= ($1, p.number, $4)
     order by e.topic, e.partition, e.pos limit $5) e
  order by pos limit $6`

const HEADS = `
  select partition, pos from generate_series(0, $2::int - 1) p(number), lateral (
    select partition, pos from log.events e
     where (e.topic, e.partition, e.pos) > ($1, p.number, 0) and (e.topic, e.partition, e.pos) <= ($1, p.number, $3)
     order by e.topic desc, e.partition desc, e.pos desc limit 1) e`

const BEHIND = `
  select p.number as partition, b.events, first.time as since from unnest($2::int[], $3::bigint[]) p(number, after), lateral (
    select count(*) as events, min(pos) as pos from log.events e
     where (e.topic, e.partition, e.pos) > ($1, p.number, p.after) and (e.topic, e.partition, e.pos) <= ($1, p.number, $4)) b
  join log.events first on first.pos = b.pos
  order by 1`

const BEYOND_ALL = Number.MAX_SAFE_INTEGER
const BATCH = 2_000
/** How long a wake-up may stay away before it is no longer trusted. */
const SAFETY_NET_MS = 1_000

/** Reads the topic beyond `after`: at most `each` events per partition and `limit` in all, in position order. */
export type ReadAhead = (topic: string, after: Positions, each: number, limit: number, upTo?: number) => Promise<Recorded[]>

export interface PostgresReaderOptions {
  safetyNetMs?: number
  /** Refuse to read or to follow a log whose beginning was pruned. */
  whole?: boolean
}

/** The reading half of the embedded log: `log.events` itself. */
export function postgresReader(
  db: Queryable,
  listener: Listener,
  { safetyNetMs = SAFETY_NET_MS, whole = false }: PostgresReaderOptions = {},
): Reader {
  const following = new Set<Following>()

  // Consumers of one topic that stand at the same place read it once for all of them. A read that began before the last
  // signal is not shared: it may not have seen what the signal is about.
  let signals = 0
  let stopCounting: (() => void) | undefined
  const inFlight = new Map<string, Promise<Recorded[]>>()
  const shared = (key: string, start: () => Promise<Recorded[]>) => {
    const known = inFlight.get(key)
    if (known) return known
    const begun = start().finally(() => inFlight.delete(key))
    inFlight.set(key, begun)
    return begun
  }

  const read: ReadAhead = (topic, after, each, limit, upTo = BEYOND_ALL) =>
    db.query<Recorded>('log.read', READ, [topic, [...after.keys()], [...after.values()], upTo, each, limit])

  const assertWhole = async () => {
    const [first] = await db.query<{ pos: number | null }>('log.first', 'select min(pos) as pos from log.events')
    if (whole && (first!.pos ?? 1) > 1)
      throw new Trouble(
        `the events before position ${first!.pos} were pruned from the database, as Kafka has them: set KAFKA_BROKERS`,
      )
  }
  let found: Promise<void> | undefined
  /** Asked once: who prunes while we read has Kafka, and so should we. */
  const isWhole = () => {
    found ??= assertWhole().catch((error) => {
      found = undefined
      throw error
    })
    return found
  }

  return {
    async read({ topic, after, upTo, limit }) {
      await isWhole()
      return read(topic, after, limit, limit, upTo)
    },
    async heads(topic: Topic) {
      const rows = await db.query<{ partition: number; pos: number }>('log.heads', HEADS, [
        topic.name,
        topic.partitions,
        BEYOND_ALL,
      ])
      return new Map(rows.map(({ partition, pos }) => [partition, pos]))
    },
    behind: (topic, after) => {
      const partitions = Array.from({ length: topic.partitions }, (_, partition) => partition)
      return db.query<Behind>('log.behind', BEHIND, [
        topic.name,
        partitions,
        partitions.map((partition) => after.get(partition) ?? 0),
        BEYOND_ALL,
      ])
    },
    follow(follower: Follower) {
      // Not before: each append would wake a process that only reads.
      stopCounting ??= listener.on('log', () => {
        signals++
      })
      const { topic, batchSize = BATCH } = follower
      // Per partition no more than is likely to be handed on: what one batch leaves over is read again for the next.
      const least = Math.ceil(batchSize / topic.partitions)
      let each = least
      const ahead = async (after: Positions) => {
        const batch = await shared(`${signals} ${topic.name} ${each} ${batchSize} ${[...after].flat()}`, () =>
          read(topic.name, after, each, batchSize),
        )
        if (batch.length >= batchSize) each = Math.max(least, each >> 1)
        else if (batch.length >= each) each = Math.min(batchSize, each * 2)
        return batch
      }
      const resume: Follower['resume'] = async (partitions) => {
        await assertWhole()
        return follower.resume(partitions)
      }
      const one = follow({ ...follower, resume }, ahead, listener, safetyNetMs)
      const tracked = { stop: () => one.stop().finally(() => following.delete(tracked)) }
      following.add(tracked)
      return tracked
    },
    async close() {
      await Promise.all([...following].map((one) => one.stop()))
      stopCounting?.()
    },
  }
}
