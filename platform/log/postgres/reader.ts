import type { Recorded } from '#events/kit/envelope.ts'
import type { Topic } from '#events/kit/stream.ts'
import { OperatorError } from '#platform/operator-error.ts'
import type { Listener } from '#platform/pg/listen.ts'
import type { Db } from '#platform/pg/pool.ts'
import type { Behind, Follower, Following, Positions, Reader } from '../port.ts'
import { isUnpruned } from '../timeline.ts'
import { follow, type ReadResult } from './follow.ts'
import { assertNoGaps } from './gaps.ts'
import { copyHistory, copyHistoryByStream } from './history.ts'
import { lagsOf, openTotals } from './lags.ts'
import { EVENT_COLUMNS } from './rows.ts'

// Rows are compared whole, in the order of `events_by_partition`. No other index can serve that, so the planner cannot choose to
// walk the primary key past the events of all other partitions.

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

const BEYOND_ALL = Number.MAX_SAFE_INTEGER
const BATCH = 2_000
/** Longest wait for a notification, in case one was lost. */
const SAFETY_NET_MS = 1_000

/** Reads the events of a topic after `after`: at most `each` per partition and `limit` in all, in position order. */
export type ReadAhead = (topic: string, after: Positions, each: number, limit: number, upTo?: number) => Promise<Recorded[]>

export interface PostgresReaderOptions {
  safetyNetMs?: number
  /** Refuse to read or follow a log whose beginning was pruned. */
  whole?: boolean
}

/** The reading half of the embedded log: `log.events` itself. */
export function postgresReader(
  db: Db,
  listener: Listener,
  { safetyNetMs = SAFETY_NET_MS, whole = false }: PostgresReaderOptions = {},
): Reader {
  const following = new Set<Following>()
  const totals = openTotals(db)

  // Consumers that are at the same positions of a topic share one read. A read that began before the last notification is not
  // shared: it may miss the events that the notification is about.
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
    if (whole && !(await isUnpruned(db)))
      throw new OperatorError('older events were pruned from the database and are only on Kafka: set KAFKA_BROKERS')
  }
  let found: Promise<void> | undefined
  /** Asks only once: if the log is pruned later, it is on Kafka, and this process must be restarted to read from there. */
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
    assertNoGaps: () => assertNoGaps(db),
    async history(query, take) {
      await isWhole()
      await copyHistory(db, query, take)
    },
    async historyByStream(query, take) {
      await isWhole()
      return copyHistoryByStream(db, query, take)
    },
    async heads(topic: Topic) {
      const rows = await db.query<{ partition: number; pos: number }>('log.heads', HEADS, [
        topic.name,
        topic.partitions,
        BEYOND_ALL,
      ])
      return new Map(rows.map(({ partition, pos }) => [partition, pos]))
    },
    async behind(topic, after) {
      const [partitions] = await lagsOf(db, [{ topic, after }])
      return partitions!.flatMap(({ partition, events, since }): Behind[] =>
        events ? [{ partition, events, since: since! }] : [],
      )
    },
    async lags(places) {
      const all = await lagsOf(db, places)
      const heads = places.flatMap(({ topic }, n) =>
        all[n]!.map(({ partition, head }) => ({ topic: topic.name, partition, head })),
      )
      const counted = (await totals(heads)).values()
      return all.map((partitions) => partitions.map((one) => ({ ...one, total: counted.next().value })))
    },
    follow(follower: Follower) {
      // Only from now on: otherwise each append would wake a process that follows nothing.
      stopCounting ??= listener.on('log', () => {
        signals++
      })
      const { topic, batchSize = BATCH } = follower
      // Read no more per partition than the batch is likely to hold: events that do not fit into it are read again for the next.
      const least = Math.ceil(batchSize / topic.partitions)
      let each = least
      const ahead = async (after: Positions): Promise<ReadResult> => {
        const most = each
        const batch = await shared(`${signals} ${topic.name} ${most} ${batchSize} ${[...after].flat()}`, () =>
          read(topic.name, after, most, batchSize),
        )
        // With fewer events than one partition alone may give, no partition was cut off.
        const isAll = batch.length < Math.min(most, batchSize)
        if (batch.length >= batchSize) each = Math.max(least, each >> 1)
        else if (batch.length >= each) each = Math.min(batchSize, each * 2)
        return { events: batch, isAll }
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
