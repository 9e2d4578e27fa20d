import type { Recorded } from '#events/kit/envelope.ts'
import { openBell } from '#platform/bell.ts'
import { untilAborted } from '#platform/deadline.ts'
import type { Listener } from '#platform/pg/listen.ts'
import { backoffMs, stopping } from '../../stopping.ts'
import { Fenced, type Follower, type Following, HandedOver, NewerCode, type Positions } from '../port.ts'

/** How often a process that stands by tries to become owner. */
const STANDBY_MS = 250
/** How long it stands back from a consumer that it leaves to newer code: many times STANDBY_MS, so that a process of that code gets it. */
const LEFT_MS = 3_000
/** How often it asks who the owner is. */
const ASK_MS = 5_000
/** After a batch of this many events, more are likely to be there already. */
const FAR_BEHIND = 500

/** What a read found. */
export interface ReadResult {
  events: Recorded[]
  /** The log had no more events when it was read. */
  isAll: boolean
}

/** Follows a topic on the embedded log until stopped. A consumer has one owner; other processes stand by. */
export function follow(
  follower: Follower,
  readAhead: (after: Positions) => Promise<ReadResult>,
  listener: Listener,
  safetyNetMs: number,
): Following {
  const { consumer, topic, restMs } = follower
  const partitions = Array.from({ length: topic.partitions }, (_, partition) => partition)
  const { signal, stopped, stop, pause } = stopping()
  const bell = openBell()
  const unlisten = listener.on('log', (topics) => {
    if (topics === undefined || topics.split(' ').includes(topic.name)) bell.ring()
  })

  /** As owner: hands over events after the consumer's checkpoints, until stopped or until ownership is lost. */
  async function own(stillOurs: () => boolean, onProgress: () => void) {
    const stand = await follower.resume(partitions)
    const after = new Map(partitions.map((partition) => [partition, stand.get(partition) ?? 0]))
    const readOn = () => {
      bell.hush()
      const reading = readAhead(after)
      // Avoids unhandledRejection if this read-ahead is dropped.
      reading.catch(() => {})
      return reading
    }
    let next = readOn()
    while (!stopped() && stillOurs()) {
      const { events, isAll } = await next
      let ahead: Promise<ReadResult> | undefined
      if (events.length > 0) {
        for (const event of events) after.set(event.partition, event.pos)
        // Read the next batch during this one only when far behind; near the end of the log, that read would find too little.
        if (events.length >= FAR_BEHIND) ahead = readOn()
        await follower.handle(events)
        if (restMs && !ahead) await pause(restMs)
        onProgress()
      }
      // An append since the read has rung the bell.
      if (isAll && !ahead) await bell.wait(safetyNetMs)
      next = ahead ?? readOn()
    }
  }

  const key = `follow ${consumer} ${topic.name}`
  let told: number | undefined
  let askedAt = -Infinity
  async function tellHolder() {
    if (performance.now() - askedAt < ASK_MS) return
    askedAt = performance.now()
    const holder = await listener.holder(key).catch(() => undefined)
    if (!holder || holder.pid === told) return
    told = holder.pid
    follower.onStandby?.(holder)
  }

  async function run() {
    let failures = 0
    while (!stopped()) {
      let ours = true
      let isLeft = false
      let lock: { release(): Promise<void> } | undefined
      try {
        // A call that was given up may still run, and only one may run at a time.
        await untilAborted(signal, Promise.resolve(follower.settled?.()))
        if (stopped()) continue
        lock = await listener.lock(key, () => {
          ours = false
          bell.ring()
        })
        if (!lock) {
          await tellHolder()
          await pause(STANDBY_MS)
          continue
        }
        await own(
          () => ours,
          () => {
            failures = 0
          },
        )
      } catch (error) {
        follower.onError?.(error)
        isLeft = error instanceof NewerCode
        if (!(error instanceof Fenced || error instanceof HandedOver)) await pause(backoffMs(++failures))
      } finally {
        await lock?.release()
      }
      if (isLeft) await pause(LEFT_MS)
    }
  }

  const running = run()
  return {
    async stop() {
      stop()
      bell.ring()
      await running
      unlisten()
    },
  }
}
