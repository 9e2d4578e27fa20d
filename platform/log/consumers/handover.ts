import type { Recorded } from '#events/kit/envelope.ts'
import { type Follower, HandedOver, type Positions } from '../port.ts'

/** A batch that takes longer counts as hanging. */
const LONGEST_MS = 13_000
const AGAIN_MS = 1_000
/** Bounds the doubling: after this many, a batch may take hours. */
const DOUBLINGS = 10

/**
 * Gives up a call of the follower that takes too long, if another process can take over. The call may still run, but it is fenced,
 * because the takeover raises the epoch. `settled` waits until the call returns.
 *
 * Each time, this process allows twice as much time, or a batch that is only slow would go to and fro between two processes.
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
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const look = () => {
        if (!hasPeer()) {
          timer = setTimeout(look, AGAIN_MS)
          return
        }
        given++
        const waited = Math.round((performance.now() - began) / 1_000)
        reject(
          new HandedOver(
            `${consumer} has not come back for ${waited} s from the events of ${topic.name} that it was given: another process takes them over`,
          ),
        )
      }
      timer = setTimeout(look, boundMs)
    })
    const calling = call()
    working = calling.catch(() => {})
    try {
      return await Promise.race([calling, late])
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
