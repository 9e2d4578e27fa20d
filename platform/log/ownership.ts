import type { Recorded } from '#events/kit/envelope.ts'
import { codeOf } from '../pg/errors.ts'
import type { Queryable } from '../pg/pool.ts'
import type { Parked } from './parked.ts'
import { Fenced, type Positions } from './port.ts'

const CREATE = `
  insert into log.checkpoints (consumer, topic, partition) select $1, $2, unnest($3::int[]) on conflict do nothing`

/** Who takes over raises the epoch: a former owner that does not know yet is fenced at its next batch. */
const TAKE_OVER = `
  update log.checkpoints set epoch = epoch + 1 where consumer = $1 and topic = $2 and partition = any ($3::int[])
  returning partition, pos, epoch`

const STUCK = `
  select distinct partition, stream from log.dead_letters
   where consumer = $1 and topic = $2 and partition = any ($3::int[]) and state <> 'skipped'`

/** A step of one partition's checkpoint, by compare-and-set on `epoch` and `seen`. */
export interface Move {
  partition: number
  epoch: number
  seen: number
  pos: number
}

/** What a consumer believes of the checkpoints it owns in one topic, and of the streams that are held up there. */
export interface Ownership {
  /** Takes the partitions over and tells where they stand. */
  resume(partitions: number[]): Promise<Positions>
  /**
   * Drops what lies at or before the checkpoint, also when the batch itself repeats (P2).
   * @throws Fenced for a partition that is not owned
   */
  beyond(batch: Recorded[]): Recorded[]
  /** Whether an earlier event of the stream is parked: then this one waits behind it (P8). */
  isStuck(event: Recorded): boolean
  /**
   * Runs one transaction that does `moves` together with their effect, then believes what it did.
   * @param effect returns what it had to park
   */
  commit(batch: Recorded[], effect: (moves: Move[]) => Promise<Parked[]>): Promise<void>
}

/** @param onParked told of each event that had to be parked, after the fact */
export function ownership(
  db: Queryable,
  { consumer, topic }: { consumer: string; topic: string },
  onParked: (parked: Parked) => void = () => {},
): Ownership {
  const held = new Map<number, { pos: number; epoch: number; stuck: Set<string> }>()

  const movesOf = (batch: Recorded[]): Move[] => {
    const last = new Map(batch.map(({ partition, pos }) => [partition, pos]))
    return [...last].map(([partition, pos]) => {
      const { epoch, pos: seen } = held.get(partition)!
      return { partition, epoch, seen, pos }
    })
  }

  return {
    async resume(partitions) {
      await db.query('checkpoints.create', CREATE, [consumer, topic, partitions])
      const rows = await db.query<{ partition: number; pos: number; epoch: number }>('checkpoints.take', TAKE_OVER, [
        consumer,
        topic,
        partitions,
      ])
      // Only now: whoever changes dead letters raises the epoch, so from here on a change would not go unnoticed.
      const stuck = await db.query<{ partition: number; stream: string }>('letters.stuck', STUCK, [consumer, topic, partitions])
      for (const { partition, pos, epoch } of rows) held.set(partition, { pos, epoch, stuck: new Set() })
      for (const { partition, stream } of stuck) held.get(partition)!.stuck.add(stream)
      return new Map(rows.map(({ partition, pos }) => [partition, pos]))
    },

    beyond(batch) {
      const at = new Map<number, number>()
      return batch.filter(({ partition, pos }) => {
        const checkpoint = at.get(partition) ?? held.get(partition)?.pos
        if (checkpoint === undefined) throw new Fenced(`${consumer} does not own partition ${partition} of ${topic}`)
        if (pos <= checkpoint) return false
        at.set(partition, pos)
        return true
      })
    },

    isStuck: ({ partition, stream }) => held.get(partition)!.stuck.has(stream),

    async commit(batch, effect) {
      const moves = movesOf(batch)
      const parked = await effect(moves)
      for (const { partition, pos } of moves) held.get(partition)!.pos = pos
      for (const one of parked) {
        held.get(one.recorded.partition)!.stuck.add(one.recorded.stream)
        onParked(one)
      }
    },
  }
}

/** Throws an error of a statement that moves checkpoints on: as Fenced when somebody else had moved one. */
export function throwFenced(error: unknown): never {
  throw codeOf(error) === 'FENCE' ? new Fenced((error as Error).message) : error
}
