import type { Recorded } from '#events/kit/envelope.ts'
import { bisect } from '#platform/log/consumers/bisect.ts'
import { ownership } from '#platform/log/consumers/ownership.ts'
import { failed, type Parked } from '#platform/log/consumers/parked.ts'
import { ofNewerCode } from '#platform/log/newer-code.ts'
import { NewerCode, type Positions } from '#platform/log/port.ts'
import { isRefusal } from '#platform/pg/errors.ts'
import type { Db } from '#platform/pg/pool.ts'
import { type Reading, readFor } from './fold.ts'
import { rowMemory } from './memory.ts'
import { allOf, sideBySide } from './side-by-side.ts'
import type { Target } from './table.ts'
import { applyBatch, write } from './write.ts'

/**
 * Characters of payload per write statement. Its parameters must fit into one JavaScript string, which holds at
 * most half a billion characters.
 */
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

/** With fewer events a second transaction costs more than it gains. */
const WORTH_TWO = 500

/** Applies batches to one target (a table and its consumer) as long as it owns the consumer's checkpoints. */
export interface Applier {
  /** Takes the partitions over and returns their checkpoints. */
  resume(partitions: number[]): Promise<Positions>
  /**
   * Applies events, in order within each partition. Events that were applied before have no effect (P2).
   *
   * When it throws, events of some partitions may have been applied.
   *
   * @throws Fenced when another process moved a checkpoint; NewerCode when it meets an event of newer code, with those before it
   *   applied; also every database error that is not the fault of one event
   */
  handle(batch: Recorded[]): Promise<void>
}

export interface ApplierOptions {
  /** Called for each parked event, after the commit. */
  onParked?: (parked: Parked) => void
  /** Id of the process, stored with the checkpoints for operators to see. */
  owner?: string | undefined
  /** From this number of events on, a batch is written in two transactions side by side. */
  worthTwo?: number
}

export function applier(db: Db, target: Target, { onParked, owner, worthTwo = WORTH_TWO }: ApplierOptions = {}): Applier {
  const { consumer, view } = target
  const own = ownership(db, { consumer, topic: view.topic.name, owner }, onParked)
  const memory = rowMemory(view)
  const recordedOf = (readings: Reading[]) => readings.map(({ recorded }) => recorded)

  /** The first event of newer code. One of a parked stream waits there behind the others. */
  async function firstNewer(readings: readonly Reading[]) {
    const unknown = readings.filter(({ unknown, recorded }) => unknown && !own.isStuck(recorded))
    const isNewer = await ofNewerCode(
      db,
      unknown.map(({ unknown }) => unknown!),
    )
    return unknown.find(({ unknown }) => isNewer(unknown!))
  }

  /** Writes events whose effect fits into one statement. */
  const applyAll = (portion: Reading[]) =>
    bisect(portion, {
      attempt: (some) => own.commit(recordedOf(some), (moves) => applyBatch(db, target, some, own.isStuck, moves, memory)),
      refused: ({ recorded }, error) =>
        own.commit([recorded], async (moves) => {
          const parked = [failed(recorded, error)]
          await write(db, target, new Map(), parked, moves)
          return parked
        }),
      isFault: isRefusal,
    })

  return {
    resume(partitions) {
      memory.forget()
      return own.resume(partitions)
    },
    async handle(batch) {
      const fresh = own.beyond(batch).map((recorded) => readFor(view, recorded))
      const newer = await firstNewer(fresh)
      const ours = newer ? fresh.slice(0, fresh.indexOf(newer)) : fresh
      for (const portion of ours.length === 0 ? [] : portions(ours)) {
        const parts = portion.length < worthTwo ? [portion] : sideBySide(portion)
        await allOf(parts.map(applyAll))
      }
      if (newer) throw new NewerCode(consumer, newer.cause?.message ?? '')
    },
  }
}
