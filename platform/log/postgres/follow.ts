import type { Recorded } from '#events/kit/envelope.ts'
import type { Listener } from '#platform/pg/listen.ts'
import { backoffMs, stopping } from '../../stopping.ts'
import { alarm } from '../alarm.ts'
import { Fenced, type Follower, type Following, type Positions } from '../port.ts'

/** How often a second owner asks whether the first is gone. */
const STANDBY_MS = 250
/** Events in a batch that tell that there are more. */
const FAR_BEHIND = 500

/** Follows a topic on the embedded log for as long as it is not stopped: one owner per consumer, the others stand by. */
export function follow(
  follower: Follower,
  readAhead: (after: Positions) => Promise<Recorded[]>,
  listener: Listener,
  safetyNetMs: number,
): Following {
  const { consumer, topic, restMs } = follower
  const partitions = Array.from({ length: topic.partitions }, (_, partition) => partition)
  const { stopped, stop, pause } = stopping()
  const { ring, set, rung } = alarm(safetyNetMs)
  const unlisten = listener.on('log', (topics) => {
    if (topics === undefined || topics.split(' ').includes(topic.name)) ring()
  })

  /** As owner: goes on from where the consumer stood until stopped or until ownership is lost. */
  async function own(stillOurs: () => boolean, onProgress: () => void) {
    const stand = await follower.resume(partitions)
    const after = new Map(partitions.map((partition) => [partition, stand.get(partition) ?? 0]))
    const readOn = () => {
      set()
      const reading = readAhead(after)
      // Whoever waits for it sees the error; nobody may come for it.
      reading.catch(() => {})
      return reading
    }
    let next = readOn()
    while (!stopped() && stillOurs()) {
      const batch = await next
      if (batch.length === 0) {
        await rung()
        next = readOn()
        continue
      }
      for (const event of batch) after.set(event.partition, event.pos)
      // Far behind, the next batch is on its way while this one is handled; close up, it would come too early to be of use.
      const ahead = batch.length >= FAR_BEHIND ? readOn() : undefined
      await follower.handle(batch)
      if (restMs && !ahead) await pause(restMs)
      next = ahead ?? readOn()
      onProgress()
    }
  }

  async function run() {
    let failures = 0
    while (!stopped()) {
      let ours = true
      let lock: { release(): Promise<void> } | undefined
      try {
        lock = await listener.lock(`follow ${consumer} ${topic.name}`, () => {
          ours = false
          ring()
        })
        if (!lock) {
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
        if (!(error instanceof Fenced)) await pause(backoffMs(++failures))
      } finally {
        await lock?.release()
      }
    }
  }

  const running = run()
  return {
    async stop() {
      stop()
      ring()
      await running
      unlisten()
    },
  }
}
