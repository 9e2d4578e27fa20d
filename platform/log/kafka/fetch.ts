import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs, { type Kafka, type KafkaMessage } from 'kafkajs'
import { within } from '#platform/deadline.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { messageOf } from '#platform/pg/errors.ts'
import { backoffMs } from '#platform/stopping.ts'
import { fetchFrom, openCluster } from './cluster.ts'
import { offsetOf } from './records/record.ts'

/** Node does not see these two as named exports. */
const { KafkaJSConnectionError, KafkaJSOffsetOutOfRange } = kafkajs

/** The answer of one partition. */
export interface Fetched {
  messages: KafkaMessage[]
  /** Offset of the first record here; `start` if there is none. */
  first: number
  /** Number of offsets between `first` and `next` without a record. */
  missing: number
  /** Offset read from: the one asked for, or the partition's first if the partition does not have that one. */
  start: number
  /** Offset to continue from. */
  next: number
  /** There are no later records at the moment. */
  end: boolean
}

export interface Fetcher {
  /** Reads some records of a topic (by its name in Kafka) from these offsets on. Does not wait for new records. */
  fetch(topic: string, from: ReadonlyMap<number, number>): Promise<Map<number, Fetched>>
  close(): Promise<void>
}

const PARTITION_BYTES = 128 * 1024
const ANSWER_BYTES = 8 * 1024 * 1024
const READ_COMMITTED = 1
/** For a cluster that was reached before: longer than it takes to notice a dead broker and to elect new leaders. */
const PATIENCE_MS = 30_000
/** For a cluster that was never reached. */
const FIRST_PATIENCE_MS = 6_000
const PAUSE = { firstMs: 50, longestMs: 2_000 }

/**
 * Reads partitions without joining a group, so a replay does not disturb live consumers.
 *
 * kafkajs has no `assign()`, but the class on which its own consumers are built can fetch (docs/decisions/kafka.md).
 */
export function openFetcher(kafka: Kafka): Fetcher {
  const cluster = openCluster(kafka)
  /** Only one call at a time connects and loads metadata, because kafkajs would connect twice. */
  let prepared: Promise<unknown> = Promise.resolve()
  function prepare(topic: string): Promise<void> {
    const next = prepared.then(async () => {
      await cluster.connect()
      await cluster.addTargetTopic(topic)
    })
    prepared = next.catch(() => {})
    return next
  }

  let wasReached = false
  async function attempt(topic: string, from: ReadonlyMap<number, number>): Promise<Map<number, Fetched>> {
    await prepare(topic)
    const leaders = cluster.findLeaderForPartitions(topic, [...from.keys()])
    const answers = await Promise.all(
      Object.entries(leaders).map(async ([nodeId, partitions]) => {
        const broker = await cluster.findBroker({ nodeId })
        return fetchFrom(broker, {
          maxWaitTime: 0,
          minBytes: 0,
          maxBytes: ANSWER_BYTES,
          isolationLevel: READ_COMMITTED,
          topics: [
            {
              topic,
              partitions: partitions.map((partition) => ({
                partition,
                fetchOffset: String(from.get(partition)),
                maxBytes: PARTITION_BYTES,
              })),
            },
          ],
        })
      }),
    )
    wasReached = true
    const fetched = new Map<number, Fetched>()
    for (const { partition, highWatermark, messages } of answers.flat()) {
      const start = from.get(partition)!
      // Kafka returns whole batches, even when the read begins in the middle of one.
      const beyond = messages.filter((message) => offsetOf(message) >= start)
      const next = beyond.length > 0 ? offsetOf(beyond.at(-1)!) + 1 : start
      const events = beyond.filter((message) => !message.isControlRecord)
      // Counted with the control records, because they have offsets as well.
      const first = beyond.length > 0 ? offsetOf(beyond[0]!) : start
      const missing = beyond.length > 0 ? next - first - beyond.length : 0
      fetched.set(partition, { messages: events, first, missing, start, next, end: next >= Number(highWatermark) })
    }
    return fetched
  }

  /** The first offset that a partition still has, for a topic that was recreated or truncated. */
  async function earliest(topic: string, partition: number): Promise<number> {
    const [found] = await cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], fromBeginning: true }])
    return Number(found!.partitions[0]!.offset)
  }

  return {
    async fetch(topic, from) {
      const starts = new Map(from)
      const began = Date.now()
      const untilMs = () => began + (wasReached ? PATIENCE_MS : FIRST_PATIENCE_MS)
      const moved = new Set<number>()
      for (let tries = 1; ; tries++) {
        try {
          return await inTime(untilMs() - Date.now(), attempt(topic, starts))
        } catch (cause) {
          const pauseMs = backoffMs(tries, PAUSE)
          if (Date.now() + pauseMs >= untilMs())
            throw new OperatorError(`cannot read ${topic} from Kafka: ${messageOf(cause)}`, { cause })
          // The error names only one partition, so it may come again for another.
          if (cause instanceof KafkaJSOffsetOutOfRange && !moved.has(cause.partition)) {
            moved.add(cause.partition)
            starts.set(cause.partition, await earliest(topic, cause.partition).catch(() => 0))
            continue
          }
          if (cause instanceof KafkaJSConnectionError && cause.name === 'KafkaJSConnectionClosedError')
            cluster.removeBroker(addressOf(cause.broker))
          await sleep(pauseMs)
          await inTime(untilMs() - Date.now(), cluster.refreshMetadata()).catch(() => {})
        }
      }
    },
    close: () => cluster.disconnect(),
  }
}

/** Settles like `work`, or rejects after `ms`. kafkajs waits half a minute for a request that is not answered. */
const inTime = <T>(ms: number, work: Promise<T>): Promise<T> =>
  within(ms, work, () => {
    throw new Error('it does not answer')
  })

/** Host and port of a broker that kafkajs names as `host:port`. */
function addressOf(broker: string): { host: string; port: number } {
  const colon = broker.lastIndexOf(':')
  return { host: broker.slice(0, colon), port: Number(broker.slice(colon + 1)) }
}
