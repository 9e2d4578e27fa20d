import { CompressionTypes, type Kafka, type Producer, type RecordMetadata, type TopicMessages } from 'kafkajs'
import type { Recorded } from '#events/kit/envelope.ts'
import type { Topic } from '#events/kit/stream.ts'
import { openBell } from '#platform/bell.ts'
import { atMost, untilAborted } from '#platform/deadline.ts'
import { codeOf } from '#platform/pg/errors.ts'
import type { Listener } from '#platform/pg/listen.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { quietly, type SpanDetails, span } from '#platform/telemetry/tracing/tracing.ts'
import { backoffMs, stopping } from '../../stopping.ts'
import type { Owner } from '../consumers/owners.ts'
import { Fenced } from '../port.ts'
import { assertNoGapsBetween } from '../postgres/gaps.ts'
import { EVENT_COLUMNS } from '../postgres/rows.ts'
import { AheadOfLog, halt } from '../timeline.ts'
import { assertAgrees } from './agreement.ts'
import { openKafka, SOON } from './client.ts'
import { toMessage } from './message.ts'
import { headsOf } from './offsets.ts'
import type { KafkaOptions } from './options.ts'
import { RELAY } from './relay-lag.ts'
import { plainWire, type Wire } from './wire.ts'

export interface RelayOptions extends KafkaOptions {
  db: Queryable
  listener: Listener
  /** All topics of the log; compared with it before anything is published. */
  topics: readonly Topic[]
  wire?: Wire
  /** This process, for monitoring. */
  owner?: Owner
  /** Called with every error that made it pause; it continues by itself. */
  onError?(error: unknown): void
  /** Called after each batch with its number of events and the relay's position. */
  onPublished?(events: number, pos: number): void
  /** Called when another process lost the lease because it published nothing for `stalledMs`, though events waited. */
  onRelieved?(relieved: { owner: string | null; stalledMs: number }): void
  /** Longest wait for a notification, in case one was lost. */
  safetyNetMs?: number
}

export interface Relay {
  /** Finishes the present batch and gives up the lease. */
  stop(): Promise<void>
}

const TAKE_OVER = 'update log.relay set epoch = epoch + 1, moved_at = now(), owner = $1 returning pos, epoch'
/** Ends before the event that would exceed the limit of bytes; a larger event comes alone, so that Kafka takes it. */
const READ = `
  select ${EVENT_COLUMNS} from (
    select *, row_number() over (order by pos) as nth, sum(octet_length(data::text)) over (order by pos) as bytes from (
      select * from log.events where pos > $1 order by pos limit $2) e) e
  where nth = 1 or bytes <= $3 order by pos`
const PUBLISHED = 'select log.published($1, $2, $3, $4)'

/**
 * Cuts the connection of a lease holder that publishes nothing although old events wait: it may be frozen, and a frozen process
 * keeps its lock. If it wakes, it is fenced.
 */
const EVICT = `
  select pg_terminate_backend(l.pid) as cut, r.owner, (extract(epoch from now() - r.moved_at) * 1000)::int as "stalledMs"
    from pg_locks l, log.relay r
   where l.locktype = 'advisory' and l.granted and l.objsubid = 1
     and l.database = (select oid from pg_database where datname = current_database())
     and (l.classid::bigint << 32) | l.objid::bigint = hashtextextended('relay', 0)
     and r.moved_at < now() - make_interval(secs => $1)
     and exists (select from log.events e where e.pos > r.pos and e.time < extract(epoch from now() - make_interval(secs => $1)) * 1000)`

/** Larger batches cost more per event, in kafkajs and in garbage collection. */
const BATCH_EVENTS = 1_000
const BATCH_BYTES = 2 * 1024 * 1024
const ALL_REPLICAS = -1
const STANDBY_MS = 250
const STALLED_S = 15
const SAFETY_NET_MS = 1_000
/** For the present batch, when stopping. */
const PATIENCE_MS = 5_000
const CLOSE_MS = 2_000

/**
 * Publishes appended events to Kafka, in position order. Any number may run: one holds the lease, the others stand by.
 *
 * Its checkpoint moves after Kafka has taken a batch, while Kafka takes the next one. After a crash in between, at most two batches
 * are published again, with the same positions, and readers drop events that are not beyond their own position.
 */
export function startRelay({ db, listener, topics, wire = plainWire, owner, ...options }: RelayOptions): Relay {
  const { prefix = '', onError = () => {}, onPublished = () => {}, onRelieved = () => {}, safetyNetMs = SAFETY_NET_MS } = options
  const { kafka, close: closeKafka } = openKafka('vidwiz relay', options, SOON)
  const { signal, stopped, stop, pause } = stopping()

  const bell = openBell()
  const unlisten = listener.on('log', bell.ring)

  const madeAnew = async (what: string) => {
    await halt(db, what)
    throw new AheadOfLog(what)
  }

  const readOn = (pos: number) => {
    bell.hush()
    const reading = db
      .query<Recorded>('relay.read', READ, [pos, BATCH_EVENTS, BATCH_BYTES])
      .then((events) => ({ events, messages: messagesOf(events, prefix, wire) }))
    // Avoids unhandledRejection if this read-ahead is dropped.
    reading.catch(() => {})
    return reading
  }

  /** As the holder of the lease: publishes until stopped or until the lease is lost. */
  async function publish(
    producer: Producer,
    taken: { pos: number; epoch: number },
    stillOurs: () => boolean,
    onProgress: () => void,
  ) {
    const { epoch } = taken
    let { pos } = taken
    const lies = await headsOf(db, topics)
    let next = readOn(pos)
    let checkpoint = Promise.resolve()
    const move = async (from: number, to: number, events: readonly Recorded[], written: readonly RecordMetadata[]) => {
      const heads = newHeads(events, written, prefix)
      for (const { topic, partition, first, offset, pos } of heads) {
        const key = `${topic} ${partition}`
        const before = lies.get(key)?.offset ?? -1
        // Storing this offset would hide that all records before it are gone.
        if (first <= before) await madeAnew(`${topic}/${partition} was recreated: offset ${first} was used before`)
        lies.set(key, { pos, offset })
      }
      await db.query('relay.published', PUBLISHED, [epoch, from, to, JSON.stringify(heads)])
      onPublished(events.length, to)
      owner?.worked(...RELAY)
      onProgress()
    }
    try {
      while (!stopped() && stillOurs()) {
        const { events, messages } = await next
        if (events.length === 0) {
          await checkpoint
          await bell.wait(safetyNetMs)
          next = readOn(pos)
          continue
        }
        const last = events.at(-1)!.pos
        if (last !== pos + events.length) await assertNoGapsBetween(db, pos, last)
        // While Kafka takes this batch, the next one is read and the checkpoint moves past the one before.
        next = readOn(last)
        const batch = { acks: ALL_REPLICAS, compression: CompressionTypes.None, topicMessages: messages }
        const written = await span(
          () => relaying(events),
          // The instrumentation of kafkajs would make a span for each message, and replace the event's own `traceparent`.
          () => quietly(() => producer.sendBatch(batch)),
        )
        await checkpoint
        checkpoint = move(pos, last, events, written)
        // Avoids unhandledRejection; the error is thrown where the checkpoint is awaited.
        checkpoint.catch(() => {})
        pos = last
      }
    } finally {
      await checkpoint
    }
  }

  async function run() {
    let failures = 0
    while (!stopped()) {
      let ours = true
      let lock: { release(): Promise<void> } | undefined
      // A new producer each time, because after a failure its sequence numbers cannot be trusted.
      let producer: Producer | undefined
      try {
        lock = await listener.lock('relay', () => {
          ours = false
          bell.ring()
        })
        if (!lock) {
          await pause(STANDBY_MS)
          const relieved = await db.query<{ cut: boolean; owner: string | null; stalledMs: number }>('relay.evict', EVICT, [
            STALLED_S,
          ])
          for (const { cut, ...one } of relieved) if (cut) onRelieved(one)
          continue
        }
        // Before connecting: the takeover sets `moved_at`, so that other relays do not take this one for frozen while it connects.
        const [taken] = await db.query<{ pos: number; epoch: number }>('relay.take', TAKE_OVER, [owner?.id ?? null])
        await assertAgrees({ db, kafka, prefix, topics, signal })
        if (stopped() || !ours) continue
        producer = openProducer(kafka)
        await untilAborted(signal, producer.connect())
        owner?.resumed(...RELAY)
        await publish(
          producer,
          taken!,
          () => ours,
          () => {
            failures = 0
          },
        )
      } catch (cause) {
        const error = codeOf(cause) === 'FENCE' ? new Fenced((cause as Error).message) : cause
        if (!stopped()) {
          owner?.paused(...RELAY, error)
          onError(error)
        }
        await pause(backoffMs(++failures))
      } finally {
        // Disconnecting waits for answers that may never come.
        await atMost(CLOSE_MS, producer?.disconnect())
        await lock?.release()
      }
    }
  }
  const running = run()

  return {
    async stop() {
      stop()
      bell.ring()
      // Do not wait longer for a Kafka that does not answer: a batch that it may have taken is published again.
      const late = setTimeout(closeKafka, PATIENCE_MS)
      await running
      clearTimeout(late)
      unlisten()
      closeKafka()
    },
  }
}

const openProducer = (kafka: Kafka) =>
  kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner:
      () =>
      ({ topic, message, partitionMetadata }) => {
        // kafkajs would drop the message silently.
        if (message.partition! >= partitionMetadata.length)
          throw new Error(
            `${topic} has ${partitionMetadata.length} partitions, and there is an event for partition ${message.partition}`,
          )
        return message.partition!
      },
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000 },
  })

const relaying = (events: readonly Recorded[]): SpanDetails => {
  const [first, ...others] = new Set(events.map(({ topic }) => topic))
  return {
    name: 'relay',
    kind: 'producer',
    attributes: {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'send',
      'messaging.operation.name': 'relay',
      'messaging.batch.message_count': events.length,
      ...(others.length === 0 && { 'messaging.destination.name': first }),
    },
    from: events.map(({ traceparent }) => traceparent),
  }
}

function messagesOf(batch: readonly Recorded[], prefix: string, wire: Wire): TopicMessages[] {
  const byTopic = Map.groupBy(batch, (event) => event.topic)
  return [...byTopic].map(([topic, events]) => ({
    topic: prefix + topic,
    messages: events.map((event) => toMessage(event, wire)),
  }))
}

interface Head {
  topic: string
  partition: number
  pos: number
  /** Offsets of the first and the last event of the batch. */
  first: number
  offset: number
}

/** The position and offsets of the batch in each partition. */
function newHeads(batch: readonly Recorded[], written: readonly RecordMetadata[], prefix: string): Head[] {
  const byTopic = Map.groupBy(batch, ({ topic }) => topic)
  return [...byTopic].flatMap(([topic, events]) =>
    [...Map.groupBy(events, ({ partition }) => partition)].map(([partition, events]) => {
      const base = Number(
        written.find((one) => one.topicName === prefix + topic && one.partition === partition)?.baseOffset ?? -1,
      )
      // Kafka had the batch already but did not return its offset: begin again, and publish it once more.
      if (!(base >= 0)) throw new Error(`Kafka did not say where in ${prefix}${topic}/${partition} it put a batch`)
      return { topic, partition, pos: events.at(-1)!.pos, first: base, offset: base + events.length - 1 }
    }),
  )
}
