import type { Recorded } from '#events/kit/envelope.ts'
import { ownership } from '#platform/log/ownership.ts'
import { type Parked, reason } from '#platform/log/parked.ts'
import type { Positions } from '#platform/log/port.ts'
import { sift } from '#platform/log/sift.ts'
import { isRefusal } from '#platform/pg/errors.ts'
import type { Db } from '#platform/pg/pool.ts'
import { type Reading, readFor } from './fold.ts'
import { rowMemory } from './memory.ts'
import type { Target } from './table.ts'
import { applyBatch, write } from './write.ts'

/** Characters of payload to write in one statement: what is made of them must fit into one string, of half a billion at most. */
const PORTION_CHARS = 32 * 2 ** 20

function* portions(readings: Reading[]): Generator<Reading[]> {
  let from = 0
  let chars = 0
  for (const [i, { recorded }] of readings.entries()) {
    chars += recorded.data.length
    if (chars <= PORTION_CHARS || i === from) continue
    yield readings.slice(from, i)
    from = i
    chars = recorded.data.length
  }
  yield readings.slice(from)
}

/** Applies batches to one target for as long as it owns the checkpoints. */
export interface Applier {
  /** Takes the partitions over and tells where they stand. */
  resume(partitions: number[]): Promise<Positions>
  /**
   * Applies events, in order within each partition; those it has applied before leave no trace (P2).
   * @throws Fenced when somebody else moved a checkpoint, and whatever the database fails with
   */
  handle(batch: Recorded[]): Promise<void>
}

/** @param onParked told of each event that had to be parked, after the fact */
export function applier(db: Db, target: Target, onParked?: (parked: Parked) => void): Applier {
  const { consumer, view } = target
  const own = ownership(db, { consumer, topic: view.topic.name }, onParked)
  const memory = rowMemory(view)
  const recordedOf = (readings: Reading[]) => readings.map(({ recorded }) => recorded)

  return {
    resume(partitions) {
      memory.forget()
      return own.resume(partitions)
    },
    async handle(batch) {
      const fresh = own.beyond(batch).map((recorded) => readFor(view, recorded))
      if (fresh.length === 0) return
      for (const portion of portions(fresh))
        await sift(portion, {
          attempt: (some) => own.commit(recordedOf(some), (moves) => applyBatch(db, target, some, own.isStuck, moves, memory)),
          refused: ({ recorded }, error) =>
            own.commit([recorded], async (moves) => {
              const parked: Parked[] = [{ recorded, state: 'failed', cause: reason(error) }]
              await write(db, target, new Map(), parked, moves)
              return parked
            }),
          isFault: isRefusal,
        })
    },
  }
}
