import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs'
import type { Recorded } from '#events/kit/envelope.ts'
import { atMost, untilAborted, within } from '#platform/deadline.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { quietly } from '#platform/telemetry/tracing/tracing.ts'
import { backoffMs, stopping } from '../../stopping.ts'
import { Fenced, type Follower, type Following, HandedOver, NewerCode } from '../port.ts'
import { type Voided, voidedRanges } from './check.ts'
import { ForeignRecord, fromMessage } from './message.ts'
import { offsetsBeyond } from './offsets.ts'
import { offsetOf, sizeOf } from './records/record.ts'
import { share, type Waiting } from './share.ts'
import { assertOurs } from './strangers.ts'
import type { Wire } from './wire.ts'

interface FollowOptions {
  db: Queryable
  kafka: Kafka
  wire: Wire
  prefix: string
}

const BATCH = 2_000
/** Records are fetched ahead until this many, or so many bytes of them, wait: handling them takes longer than the fetch. */
const AHEAD = 4_000
const AHEAD_BYTES = 16 * 2 ** 20
/** A batch with so many bytes takes no more records, however few they are. */
const BATCH_BYTES = 8 * 2 ** 20
/** After this, Kafka assigns the partitions of a frozen process to others: with the rebalance, within 15 s. */
const SESSION_MS = 10_000
const HEARTBEAT_MS = 2_000
const REBALANCE_MS = 60_000
/** A long poll ends as soon as there is a record; this also bounds how long a stop takes. */
const POLL_MS = 500
const COMMIT_MS = 1_000
/** A consumer without a sign of life for this long is replaced by a new one. */
const SILENT_MS = 60_000
/**
 * How long it stays away from the group of a consumer that it leaves to newer code. Each return is a rebalance, and brings it partitions
 * whose next event of newer code makes it leave again.
 */
const LEFT_MS = 30_000
const CLOSE_MS = 5_000
/** A pool without bounds of its own would wait for as long as a connection hangs. */
const LOOKUP_MS = 10_000

/** Records of one fetch and partition, for the handler. */
interface Parcel extends Waiting {
  term: number
  /** The offset after the last record. */
  next: number
  /** There are more records behind these, so kafkajs may fetch them meanwhile. */
  isBehind: boolean
  /** Lets kafkajs go on to its next fetch. */
  release(): void
}

/** A batch for the handler. */
interface Portion {
  term: number
  events: Recorded[]
  /** Records that it was made of. */
  size: number
  /** Parcels that end with this batch. */
  ended: Parcel[]
  /** Resolves when the events were found in the log. */
  looked: Promise<void>
}

/**
 * Follows a topic as a member of the consumer group named after the consumer: Kafka assigns the partitions, Postgres has the
 * checkpoints. A batch has as many records of each partition that waits, as far as there are.
 *
 * A *term* is the time between two rebalances. Events of an earlier term are dropped. Each term begins by taking over the
 * checkpoints, which fences a process that has not noticed the new term.
 */
export function followKafka(follower: Follower, { db, kafka, wire, prefix }: FollowOptions): Following {
  const { consumer: name, topic, batchSize = BATCH, restMs, onError = () => {} } = follower
  const kafkaTopic = prefix + topic.name
  const { signal, stopped, stop, pause } = stopping()

  let consumer: Consumer | undefined
  /** Leaves the group: ends the present consumer with an error. */
  let leave: (error: unknown) => void = () => {}
  let term = 0
  let assigned: number[] = []
  /** The last position that was taken for a batch in this term, by partition. */
  let stand = new Map<number, number>()
  let voided: Voided | undefined
  /** Resolves when this term's partitions are taken over. */
  let takenOver = Promise.resolve()
  let inbox: Parcel[] = []
  /** Parcels for which kafkajs waits. */
  const held = new Set<Parcel>()
  let delivering: Promise<void> | undefined
  let failures = 0
  let aliveAt = Date.now()

  // Calls of `resume` and `handle` run one at a time.
  let last: Promise<unknown> = Promise.resolve()
  const exclusively = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }

  /**
   * Asks the follower for its positions and sets the consumer there; tries until it succeeds or the term is over.
   * @param failed number of failures in a row so far
   */
  async function takeOver(failed: number) {
    const mine = ++term
    const outdated = () => stopped() || mine !== term
    for (let n = failed; !outdated(); n++) {
      if (n > 0) await pause(backoffMs(n))
      if (outdated()) return
      try {
        const positions = assigned.length > 0 ? await exclusively(() => follower.resume(assigned)) : new Map<number, number>()
        const after = new Map(assigned.map((partition) => [partition, positions.get(partition) ?? 0]))
        const offsets = await offsetsBeyond(db, topic.name, after)
        voided = await voidedRanges(db)
        if (outdated()) return
        stand = after
        for (const [partition, offset] of offsets) consumer!.seek({ topic: kafkaTopic, partition, offset: String(offset) })
        return
      } catch (error) {
        if (error instanceof HandedOver) return leave(error)
        onError(error)
      }
    }
  }

  async function onBatch({ batch, resolveOffset, heartbeat, isStale }: EachBatchPayload) {
    // Beat during the batch, so that Kafka does not expel a member that is slow or waits for its database.
    const beat = setInterval(() => {
      heartbeat().then(
        () => {
          aliveAt = Date.now()
        },
        () => {},
      )
    }, HEARTBEAT_MS)
    try {
      // A rebalance or a failure meanwhile begins another term: wait until that one is taken over too.
      for (let waited: Promise<void> | undefined; waited !== takenOver; ) {
        waited = takenOver
        await waited
      }
      const mine = term
      if (stopped() || isStale() || !stand.has(batch.partition)) return
      const { partition, messages } = batch
      const next = Number(batch.lastOffset()) + 1
      const bytes = messages.reduce((sum, message) => sum + sizeOf(message), 0)
      await deliver({ term: mine, partition, messages, taken: 0, bytes, next, isBehind: next < Number(batch.highWatermark) })
      // In a later term the takeover has set the offset.
      if (mine === term) resolveOffset(batch.lastOffset())
      aliveAt = Date.now()
    } finally {
      clearInterval(beat)
    }
  }

  async function recover(error: unknown, failed: number) {
    if (error instanceof HandedOver) return leave(error)
    if (failed === term) {
      onError(error)
      takenOver = takeOver(error instanceof Fenced ? 0 : ++failures)
    }
    await takenOver
  }

  /** Hands records to the follower. Resolves when they are handled; earlier if there are more and few records wait. */
  const deliver = (parcel: Omit<Parcel, 'release'>) =>
    new Promise<void>((release) => {
      const one = { ...parcel, release }
      inbox.push(one)
      held.add(one)
      fetchAhead()
      delivering ??= unpack().finally(() => {
        delivering = undefined
      })
    })

  function fetchAhead() {
    const waiting = inbox.reduce((sum, { messages, taken }) => sum + messages.length - taken, 0)
    const bytes = inbox.reduce((sum, { bytes }) => sum + bytes, 0)
    if (waiting <= AHEAD && bytes <= AHEAD_BYTES) release([...held].filter(({ isBehind }) => isBehind))
  }

  function release(parcels: readonly Parcel[]) {
    for (const parcel of parcels) {
      held.delete(parcel)
      parcel.release()
    }
  }

  /** Hands everything in the inbox to the follower, batch by batch. */
  async function unpack() {
    // Wait one tick, in which the other partitions of the same fetch arrive.
    await new Promise(setImmediate)
    for (let next: Portion | undefined; ; ) {
      let portion = next
      next = undefined
      const mine = term
      try {
        portion ??= take()
        if (!portion) return
        const { events, looked } = portion
        // Otherwise the term is over: the events belong to the new owners of the partitions.
        if (portion.term === term) {
          const handling = exclusively(async () => {
            if (mine === term) await looked
            if (mine === term && events.length > 0) await follower.handle(events)
            return mine === term
          })
          // Decode the next batch as soon as the handler waits for its database.
          if (inbox.length > 0) next = await during(handling, take)
          if (await handling) handled(portion)
        }
      } catch (error) {
        if (!stopped()) await recover(error, mine)
      }
      release(portion?.ended ?? [])
      if (restMs && portion && portion.size < batchSize) await pause(restMs)
    }
  }

  function handled({ ended }: Portion) {
    aliveAt = Date.now()
    failures = 0
    for (const { partition, next } of ended) toCommit.set(partition, next)
    commitSoon()
  }

  /** Takes a batch from the inbox. Undefined when nothing is left. */
  function take(): Portion | undefined {
    // Also those that were taken for a batch which an error ended.
    release([...held].filter((parcel) => parcel.term !== term))
    inbox = inbox.filter((parcel) => parcel.term === term)
    if (inbox.length === 0) return undefined
    const { shares, ended, size } = share(inbox, { records: batchSize, bytes: BATCH_BYTES })
    const events: Recorded[] = []
    for (const { of, messages } of shares) decode(of.partition, messages, events)
    inbox = inbox.filter((parcel) => !ended.includes(parcel))
    fetchAhead()
    return { term, events, size, ended, looked: lookUp(events) }
  }

  /** Appends the events of records, without those that were taken before or that the relay published twice. */
  function decode(partition: number, messages: readonly KafkaMessage[], events: Recorded[]) {
    for (const message of messages) {
      if (voided?.has(topic.name, partition, offsetOf(message))) continue
      try {
        const event = fromMessage(topic.name, partition, message, wire)
        if (event.pos <= stand.get(partition)!) continue
        stand.set(partition, event.pos)
        events.push(event)
      } catch (error) {
        if (!(error instanceof ForeignRecord)) throw error
        // It has no position, so it was never part of the log: report and skip it.
        onError(error)
      }
    }
  }

  function lookUp(events: readonly Recorded[]): Promise<void> {
    const looking = within(LOOKUP_MS, assertOurs(db, topic.name, behindOthers(events)), () => {
      throw new Error(`the database has not answered for ${LOOKUP_MS / 1_000} s`)
    })
    // Avoids unhandledRejection when the batch is not handled; otherwise the error is thrown where the look-up is awaited.
    looking.catch(() => {})
    return looking
  }

  // Offsets are committed to Kafka a while after the checkpoint in Postgres, only for tools that watch lag.
  const toCommit = new Map<number, number>()
  let committing: NodeJS.Timeout | undefined
  const commitSoon = () => {
    committing ??= setTimeout(() => void commit(), COMMIT_MS)
  }
  async function commit() {
    clearTimeout(committing)
    committing = undefined
    const offsets = [...toCommit].map(([partition, next]) => ({ topic: kafkaTopic, partition, offset: String(next) }))
    toCommit.clear()
    if (offsets.length > 0) await consumer?.commitOffsets(offsets).catch(() => {})
  }

  /** Runs one kafkajs consumer; settles when it has ended. */
  async function live() {
    const one = kafka.consumer({
      groupId: `${prefix}${name}`,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      rebalanceTimeout: REBALANCE_MS,
      maxWaitTimeInMs: POLL_MS,
      allowAutoTopicCreation: false,
      // A consumer that kafkajs restarts by itself does not always come back, so we make a new one instead.
      retry: { restartOnFailure: async () => false },
    })
    consumer = one
    aliveAt = Date.now()
    const over = Promise.withResolvers<void>()
    over.promise.catch(() => {})
    leave = (error) => {
      // Records that arrive before it has left are not handled: without a position, none of a partition is.
      term++
      stand = new Map()
      over.reject(error)
    }
    one.on(one.events.CRASH, ({ payload }) => over.reject(payload.error))
    one.on(one.events.FETCH, () => {
      aliveAt = Date.now()
    })
    one.on(one.events.GROUP_JOIN, ({ payload }) => {
      if (consumer !== one) return
      aliveAt = Date.now()
      assigned = payload.memberAssignment[kafkaTopic] ?? []
      stand = new Map()
      toCommit.clear()
      takenOver = takeOver(0)
    })
    const watchdog = setInterval(() => {
      if (Date.now() - aliveAt > SILENT_MS)
        over.reject(new Error(`the consumer ${name} gave no sign of life for ${SILENT_MS} ms`))
    }, SILENT_MS / 10)
    const onStop = () => over.resolve()
    signal.addEventListener('abort', onStop)
    let isConnected = false
    const begin = async () => {
      await one.connect()
      isConnected = true
      if (consumer === one) await one.subscribe({ topics: [kafkaTopic], fromBeginning: true })
      if (consumer === one)
        // Consumers make a span for each batch; the instrumentation of kafkajs would make one for each message.
        await quietly(() =>
          one.run({
            autoCommit: false,
            eachBatchAutoResolve: false,
            partitionsConsumedConcurrently: topic.partitions,
            eachBatch: async (payload) => (consumer === one ? onBatch(payload) : undefined),
          }),
        )
    }
    const disconnect = () => one.disconnect().catch(() => {})
    const beginning = begin()
    try {
      // Connecting and joining may take long, when the cluster is away or the group waits for a dead member.
      beginning.catch(over.reject)
      await over.promise
    } finally {
      clearInterval(watchdog)
      signal.removeEventListener('abort', onStop)
      // From here on this consumer owns nothing.
      term++
      assigned = []
      stand = new Map()
      // Finish the present batch. A call that was given up has already rejected and is not waited for.
      await delivering
      await last
      await commit()
      consumer = undefined
      // If it left while joining, the group would wait for it until its session ends; so let it join first.
      if (isConnected) await atMost(CLOSE_MS, beginning)
      // If it joins only after CLOSE_MS, disconnect it again then: it must not stay in the group.
      beginning.then(disconnect, disconnect)
      await atMost(CLOSE_MS, disconnect())
    }
  }

  async function run() {
    for (let lives = 0; !stopped(); ) {
      // A call that was given up may still run, and only one may run at a time.
      await untilAborted(signal, Promise.resolve(follower.settled?.()))
      if (stopped()) return
      const began = Date.now()
      let isLeft = false
      await live().catch((error) => {
        isLeft = error instanceof NewerCode
        onError(error)
      })
      lives = Date.now() - began > SILENT_MS ? 0 : lives + 1
      if (!stopped()) await pause(isLeft ? LEFT_MS : backoffMs(lives + 1))
    }
  }
  const running = run()

  return {
    async stop() {
      stop()
      await running
    },
  }
}

/** Drops the last event of each partition, which is checked when the checkpoint moves to it. */
function behindOthers(batch: readonly Recorded[]): Recorded[] {
  const last = new Map(batch.map((event) => [event.partition, event]))
  return batch.filter((event) => last.get(event.partition) !== event)
}

/** Calls `work` when `waiting` has begun to wait. */
async function during<T>(waiting: Promise<unknown>, work: () => T): Promise<T> {
  // Avoids unhandledRejection if `work` throws; otherwise the caller awaits it.
  waiting.catch(() => {})
  await new Promise(setImmediate)
  return work()
}
