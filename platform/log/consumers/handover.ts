import type { Recorded } from '#events/kit/envelope.ts'
import { unlessAborted } from '#platform/deadline.ts'
import { type Follower, HandedOver, type Positions } from '../port.ts'

/** A batch that takes longer counts as hanging. */
const LONGEST_MS = 13_000
/** How often it looks for another process after that. */
const LOOK_AGAIN_MS = 1_000
/** Bounds the doubling: after this many, a batch may take hours. */
const DOUBLINGS = 10

/**
 * Gives up a call of the follower that takes too long, if another process can take over. The call may still run, but it is fenced,
 * because the takeover raises the epoch. `settled` waits until the call returns.
 *
 * Each time, this process allows twice as much time, or a batch that is only slow would move back and forth between two processes.
 * @param hasPeer whether another process can take over
 */
export function handingOver(
  follower: Follower,
  { hasPeer, longestMs = LONGEST_MS }: { hasPeer: () => boolean; longestMs?: number | undefined },
): Follower {
  const { consumer, topic } = follower
  let working: Promise<unknown> = Promise.resolve()
  let given = 0

  async function bounded<T>(call: () => Promise<T>): Promise<T> {
    const began = performance.now()
    const boundMs = longestMs * 2 ** Math.min(given, DOUBLINGS)
    const late = new AbortController()
    const look = () => {
      if (!hasPeer()) {
        timer = setTimeout(look, LOOK_AGAIN_MS)
        return
      }
      given++
      const waited = Math.round((performance.now() - began) / 1_000)
      late.abort(
        new HandedOver(
          `${consumer} has worked on events of ${topic.name} for ${waited} s without an end: another process takes over`,
        ),
      )
    }
    let timer = setTimeout(look, boundMs)
    const calling = call()
    working = calling.catch(() => {})
    try {
      return await unlessAborted(late.signal, calling)
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    ...follower,
    settled: async () => void (await working),
    resume: (partitions: number[]): Promise<Positions> => bounded(() => follower.resume(partitions)),
    async handle(batch: Recorded[]) {
      await bounded(() => follower.handle(batch))
      given = 0
    },
  }
}
