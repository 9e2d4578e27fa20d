import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs'
import type { Recorded } from '#events/kit/envelope.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { backoffMs, stopping } from '../../stopping.ts'
import { Fenced, type Follower, type Following } from '../port.ts'
import { fromMessage } from './message.ts'
import { offsetsBeyond } from './offsets.ts'
import type { Wire } from './wire.ts'

interface FollowOptions {
  db: Queryable
  kafka: Kafka
  wire: Wire
  prefix: string
}

const BATCH = 2_000
const SESSION_MS = 20_000
const HEARTBEAT_MS = 2_000
const REBALANCE_MS = 60_000
/** A long poll ends as soon as there is something; it also bounds how long a stop takes. */
const POLL_MS = 500
const COMMIT_MS = 1_000
/** A consumer that gave no sign of life for so long is made anew. */
const SILENT_MS = 60_000
const CLOSE_MS = 5_000

/** Events of one partition on their way to the handler, and who waits for it. */
interface Parcel {
  term: number
  partition: number
  events: Recorded[]
  /** The offset behind the last one. */
  next: number
  done(): void
  failed(error: unknown): void
}

/**
 * Follows a topic as a member of the consumer group named after the consumer: Kafka deals out the partitions, Postgres says
 * where to go on. What the members of one fetch bring together is handled in one batch.
 *
 * A *term* is the time between two rebalances. What belongs to an earlier term is dropped: the checkpoints, taken over when a
 * term begins, fence whoever has not noticed yet.
 */
export function followKafka(follower: Follower, { db, kafka, wire, prefix }: FollowOptions): Following {
  const { consumer: name, topic, batchSize = BATCH, restMs, onError = () => {} } = follower
  const kafkaTopic = prefix + topic.name
  const { signal, stopped, stop, pause } = stopping()

  let consumer: Consumer | undefined
  let term = 0
  let assigned: number[] = []
  /** The position handled last, by partition, as of this term. */
  let stand = new Map<number, number>()
  /** Resolves when this term's partitions are taken over. */
  let takenOver = Promise.resolve()
  let inbox: Parcel[] = []
  let delivering: Promise<void> | undefined
  let failures = 0
  let aliveAt = Date.now()

  // One call of the follower at a time, whichever it is.
  let last: Promise<unknown> = Promise.resolve()
  const exclusively = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }

  /**
   * Asks the follower where to go on and sets the consumer there; tries until it succeeds or the term is over.
   * @param failed how often it has failed already, in a row
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
        if (outdated()) return
        stand = after
        for (const [partition, offset] of offsets) consumer!.seek({ topic: kafkaTopic, partition, offset: String(offset) })
        return
      } catch (error) {
        onError(error)
      }
    }
  }

  async function onBatch({ batch, resolveOffset, heartbeat, isStale }: EachBatchPayload) {
    // Kafka takes a member that handles a batch for long, or that waits for its database, for alive.
    const beat = setInterval(() => {
      heartbeat().then(
        () => {
          aliveAt = Date.now()
        },
        () => {},
      )
    }, HEARTBEAT_MS)
    let mine = term
    try {
      // A rebalance or a failure meanwhile begins another term, which is to be taken over first.
      for (let waited: Promise<void> | undefined; waited !== takenOver; ) {
        waited = takenOver
        await waited
      }
      mine = term
      if (stopped() || isStale() || !stand.has(batch.partition)) return
      const { partition } = batch
      const events: Recorded[] = []
      for (const message of batch.messages) {
        try {
          events.push(fromMessage(topic.name, partition, message, wire))
        } catch (error) {
          // It has no position, so it was never part of the log: told, and passed over.
          onError(error)
        }
      }
      const next = Number(batch.lastOffset()) + 1
      await deliver({ term: mine, partition, events, next })
      if (mine === term) resolveOffset(batch.lastOffset())
      aliveAt = Date.now()
    } catch (error) {
      // One failure, however many partitions were in the batch: the first one to come here begins anew.
      if (!stopped()) await recover(error, mine)
    } finally {
      clearInterval(beat)
    }
  }

  async function recover(error: unknown, failed: number) {
    if (failed === term) {
      onError(error)
      takenOver = takeOver(error instanceof Fenced ? 0 : ++failures)
    }
    await takenOver
  }

  const deliver = (parcel: Omit<Parcel, 'done' | 'failed'>) =>
    new Promise<void>((done, failed) => {
      inbox.push({ ...parcel, done, failed })
      delivering ??= unpack().finally(() => {
        delivering = undefined
      })
    })

  /** Hands everything in the inbox on, batch by batch. */
  async function unpack() {
    // The other partitions of the same fetch come in the same turn.
    await new Promise(setImmediate)
    while (inbox.length > 0) {
      const parcels = inbox.filter((parcel) => parcel.term === term)
      for (const parcel of inbox) if (parcel.term !== term) parcel.done()
      inbox = []
      const mine = term
      try {
        let left = 0
        const fresh = parcels.flatMap(({ partition, events }) => beyond(partition, events))
        for (let at = 0; at < fresh.length; at += batchSize) {
          const batch = fresh.slice(at, at + batchSize)
          await exclusively(async () => (mine === term ? follower.handle(batch) : undefined))
          aliveAt = Date.now()
          left = fresh.length - at - batch.length
          // The rest belongs to whoever has the partition now.
          if (mine !== term) break
          for (const { partition, pos } of batch) stand.set(partition, pos)
        }
        if (mine === term || (stopped() && left === 0)) {
          failures = 0
          for (const { partition, next } of parcels) toCommit.set(partition, next)
          commitSoon()
        }
        for (const parcel of parcels) parcel.done()
        if (restMs && fresh.length < batchSize) await pause(restMs)
      } catch (error) {
        for (const parcel of parcels) parcel.failed(error)
      }
    }
  }

  /** Without what was handled before, and what the relay published twice. */
  function beyond(partition: number, events: readonly Recorded[]): Recorded[] {
    let at = stand.get(partition)!
    return events.filter(({ pos }) => {
      if (pos <= at) return false
      at = pos
      return true
    })
  }

  // Kafka is told after Postgres, now and then: its offsets are for the tools that watch lag.
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

  /** One life of a consumer; resolves or rejects when it is over. */
  async function live() {
    const one = kafka.consumer({
      groupId: `${prefix}${name}`,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      rebalanceTimeout: REBALANCE_MS,
      maxWaitTimeInMs: POLL_MS,
      allowAutoTopicCreation: false,
      // A consumer that kafkajs would restart by itself comes back only sometimes: we make a new one.
      retry: { restartOnFailure: async () => false },
    })
    consumer = one
    aliveAt = Date.now()
    const over = Promise.withResolvers<void>()
    over.promise.catch(() => {})
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
        await one.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          partitionsConsumedConcurrently: topic.partitions,
          eachBatch: async (payload) => (consumer === one ? onBatch(payload) : undefined),
        })
    }
    const disconnect = () => one.disconnect().catch(() => {})
    const beginning = begin()
    try {
      // Connecting and joining may take long: a cluster that is away, a group that waits for a dead member.
      await Promise.race([beginning, over.promise])
      await over.promise
    } finally {
      clearInterval(watchdog)
      signal.removeEventListener('abort', onStop)
      // Nobody owns anything from here on; the batch in hand is finished first.
      term++
      assigned = []
      await delivering
      await last
      await commit()
      consumer = undefined
      stand = new Map()
      // Who leaves in the middle of joining is missed by the group until its session ends; so it joins first, then leaves.
      if (isConnected) await Promise.race([beginning.catch(() => {}), sleep(CLOSE_MS, undefined, { ref: false })])
      // What was still under way is disconnected once more when it has got there: it must not stay in the group.
      beginning.then(disconnect, disconnect)
      await Promise.race([disconnect(), sleep(CLOSE_MS, undefined, { ref: false })])
    }
  }

  async function run() {
    for (let lives = 0; !stopped(); ) {
      const began = Date.now()
      await live().catch(onError)
      lives = Date.now() - began > SILENT_MS ? 0 : lives + 1
      if (!stopped()) await pause(backoffMs(lives + 1))
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
