import { setTimeout as sleep } from 'node:timers/promises'
import { CompressionTypes, type Kafka, type Producer, type RecordMetadata, type TopicMessages } from 'kafkajs'
import type { Recorded } from '#events/kit/envelope.ts'
import { codeOf } from '#platform/pg/errors.ts'
import type { Listener } from '#platform/pg/listen.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { backoffMs, stopping } from '../../stopping.ts'
import { alarm } from '../alarm.ts'
import { Fenced } from '../port.ts'
import { EVENT_COLUMNS } from '../postgres/rows.ts'
import { type KafkaOptions, openKafka, SOON } from './client.ts'
import { toMessage } from './message.ts'
import { plainWire, type Wire } from './wire.ts'

export interface RelayOptions extends KafkaOptions {
  db: Queryable
  listener: Listener
  wire?: Wire
  /** Told of every error that made it pause; it goes on by itself. */
  onError?(error: unknown): void
  /** Told after each batch how many events it published and where it stands. */
  onPublished?(events: number, pos: number): void
  /** How long a wake-up may stay away before it is no longer trusted. */
  safetyNetMs?: number
}

export interface Relay {
  /** Finishes the batch in hand, gives the lease up. */
  stop(): Promise<void>
}

const TAKE_OVER = 'update log.relay set epoch = epoch + 1, moved_at = now() returning pos, epoch'
/** Ends before the event with which it would have more bytes than allowed; a larger one comes alone, so that Kafka takes it. */
const READ = `
  select ${EVENT_COLUMNS} from (
    select *, row_number() over (order by pos) as nth, sum(octet_length(data::text)) over (order by pos) as bytes from (
      select * from log.events where pos > $1 order by pos limit $2) e) e
  where nth = 1 or bytes <= $3 order by pos`
const PUBLISHED = 'select log.published($1, $2, $3, $4)'

/**
 * Cuts the connection of a holder that publishes nothing although there is something old to publish: it may be frozen, and a
 * frozen process keeps its lock. Should it wake, it is fenced.
 */
const EVICT = `
  select pg_terminate_backend(l.pid) from pg_locks l, log.relay r
   where l.locktype = 'advisory' and l.granted and l.objsubid = 1
     and l.database = (select oid from pg_database where datname = current_database())
     and (l.classid::bigint << 32) | l.objid::bigint = hashtextextended('relay', 0)
     and r.moved_at < now() - make_interval(secs => $1)
     and exists (select from log.events e where e.pos > r.pos and e.time < extract(epoch from now() - make_interval(secs => $1)) * 1000)`

/** Larger ones cost more for each event, in kafkajs as in collecting garbage. */
const BATCH_EVENTS = 1_000
const BATCH_BYTES = 2 * 1024 * 1024
const ALL_REPLICAS = -1
const STANDBY_MS = 250
const STALLED_S = 15
const SAFETY_NET_MS = 1_000
/** For the batch in hand, when stopping. */
const PATIENCE_MS = 5_000
const CLOSE_MS = 2_000

/**
 * Publishes appended events to Kafka, in the order of their positions. Any number may run: one holds the lease, the others stand by.
 *
 * Its checkpoint moves after Kafka has taken a batch, while Kafka takes the next one. A crash in between publishes at most two
 * batches again, under the same positions, and who reads drops what is not beyond its own.
 */
export function startRelay({ db, listener, wire = plainWire, ...options }: RelayOptions): Relay {
  const { prefix = '', onError = () => {}, onPublished = () => {}, safetyNetMs = SAFETY_NET_MS } = options
  const { kafka, close: closeKafka } = openKafka('vidwiz relay', options, SOON)
  const { signal, stopped, stop, pause } = stopping()
  const untilStopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))

  const { ring, set, rung } = alarm(safetyNetMs)
  const unlisten = listener.on('log', ring)

  const readOn = (pos: number) => {
    set()
    const reading = db
      .query<Recorded>('relay.read', READ, [pos, BATCH_EVENTS, BATCH_BYTES])
      .then((events) => ({ events, messages: messagesOf(events, prefix, wire) }))
    // Whoever waits for it sees the error; nobody may come for it.
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
    let next = readOn(pos)
    let checkpoint = Promise.resolve()
    const move = async (from: number, to: number, events: readonly Recorded[], written: readonly RecordMetadata[]) => {
      await db.query('relay.published', PUBLISHED, [epoch, from, to, JSON.stringify(headsOf(events, written, prefix))])
      onPublished(events.length, to)
      onProgress()
    }
    try {
      while (!stopped() && stillOurs()) {
        const { events, messages } = await next
        if (events.length === 0) {
          await checkpoint
          await rung()
          next = readOn(pos)
          continue
        }
        const last = events.at(-1)!.pos
        // While Kafka takes this batch, the next one is on its way and the checkpoint moves behind the one before.
        next = readOn(last)
        const written = await producer.sendBatch({
          acks: ALL_REPLICAS,
          compression: CompressionTypes.None,
          topicMessages: messages,
        })
        await checkpoint
        checkpoint = move(pos, last, events, written)
        // Its error comes out where it is waited for.
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
      // A new one each time: after a failure its sequence numbers are not to be trusted.
      let producer: Producer | undefined
      try {
        lock = await listener.lock('relay', () => {
          ours = false
          ring()
        })
        if (!lock) {
          await pause(STANDBY_MS)
          await db.query('relay.evict', EVICT, [STALLED_S])
          continue
        }
        // Before there is a connection: who holds the lease has its time to find Kafka, and nobody takes it for frozen meanwhile.
        const [taken] = await db.query<{ pos: number; epoch: number }>('relay.take', TAKE_OVER)
        producer = openProducer(kafka)
        const connecting = producer.connect()
        connecting.catch(() => {})
        await Promise.race([connecting, untilStopped])
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
        if (!stopped()) onError(error)
        await pause(backoffMs(++failures))
      } finally {
        // It waits for answers that may never come.
        await Promise.race([producer?.disconnect(), sleep(CLOSE_MS, undefined, { ref: false })]).catch(() => {})
        await lock?.release()
      }
    }
  }
  const running = run()

  return {
    async stop() {
      stop()
      ring()
      // A Kafka that does not answer shall not keep us: what it may have taken is published again.
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
        // kafkajs would leave it out without a word.
        if (message.partition! >= partitionMetadata.length)
          throw new Error(
            `${topic} has ${partitionMetadata.length} partitions, and there is an event for partition ${message.partition}`,
          )
        return message.partition!
      },
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000 },
  })

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
  offset: number
}

/** Where the last event of each partition came to lie. */
function headsOf(batch: readonly Recorded[], written: readonly RecordMetadata[], prefix: string): Head[] {
  const byTopic = Map.groupBy(batch, ({ topic }) => topic)
  return [...byTopic].flatMap(([topic, events]) =>
    [...Map.groupBy(events, ({ partition }) => partition)].map(([partition, events]) => {
      const base = Number(
        written.find((one) => one.topicName === prefix + topic && one.partition === partition)?.baseOffset ?? -1,
      )
      // Kafka knew the batch already but not where it lies: begin anew, and publish it once more.
      if (!(base >= 0)) throw new Error(`Kafka did not say where in ${prefix}${topic}/${partition} it put a batch`)
      return { topic, partition, pos: events.at(-1)!.pos, offset: base + events.length - 1 }
    }),
  )
}
