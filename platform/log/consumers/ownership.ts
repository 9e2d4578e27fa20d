import type { Recorded } from '#events/kit/envelope.ts'
import { codeOf } from '../../pg/errors.ts'
import type { Queryable } from '../../pg/pool.ts'
import { Fenced, type Positions } from '../port.ts'
import { AheadOfLog } from '../timeline.ts'
import type { Parked } from './parked.ts'

const CREATE = `
  insert into log.checkpoints (consumer, topic, partition) select $1, $2, unnest($3::int[]) on conflict do nothing`

/** Taking over raises the fencing epoch: a former owner that has not noticed is fenced at its next batch. */
const TAKE_OVER = `
  update log.checkpoints set epoch = epoch + 1, owner = $4 where consumer = $1 and topic = $2 and partition = any ($3::int[])
  returning partition, pos, epoch`

const STUCK = `
  select distinct partition, stream from log.dead_letters
   where consumer = $1 and topic = $2 and partition = any ($3::int[]) and state <> 'skipped'`

/** Moves one checkpoint from `seen` to `pos`, by compare-and-set on `epoch` and `seen`; `id` is the id of the event at `pos`. */
export interface Move {
  partition: number
  epoch: number
  seen: number
  pos: number
  id: string
}

/** A consumer's copy, in memory, of the checkpoints that it owns in one topic and of the parked streams there. */
export interface Ownership {
  /** Takes the partitions over and returns their checkpoints. */
  resume(partitions: number[]): Promise<Positions>
  /**
   * Drops events at or before the checkpoint, and repeated events within the batch (P2).
   * @throws Fenced for a partition that is not owned
   */
  beyond(batch: Recorded[]): Recorded[]
  /** Whether an earlier event of the stream is parked: this event must then wait behind it (P8). */
  isStuck(event: Recorded): boolean
  /**
   * Commits `moves` together with their effect, then updates the copy in memory.
   * @param effect runs the one transaction that does both; returns the events that it had to park
   */
  commit(batch: Recorded[], effect: (moves: Move[]) => Promise<Parked[]>): Promise<void>
}

/**
 * @param owner id of the process, for monitoring; undefined where nothing is monitored
 * @param onParked called with each event that was parked, after the commit
 */
export function ownership(
  db: Queryable,
  { consumer, topic, owner }: { consumer: string; topic: string; owner?: string | undefined },
  onParked: (parked: Parked) => void = () => {},
): Ownership {
  const held = new Map<number, { pos: number; epoch: number; stuck: Set<string> }>()

  const movesOf = (batch: Recorded[]): Move[] => {
    const last = new Map(batch.map((event) => [event.partition, event]))
    return [...last].map(([partition, { pos, id }]) => {
      const { epoch, pos: seen } = held.get(partition)!
      return { partition, epoch, seen, pos, id }
    })
  }

  return {
    async resume(partitions) {
      await db.query('checkpoints.create', CREATE, [consumer, topic, partitions])
      const rows = await db.query<{ partition: number; pos: number; epoch: number }>('checkpoints.take', TAKE_OVER, [
        consumer,
        topic,
        partitions,
        owner ?? null,
      ])
      // After the takeover: every change of dead letters raises the epoch, so a later change fences this owner.
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

/**
 * Rethrows an error of a statement that moves checkpoints.
 * @throws Fenced when another owner had moved one, AheadOfLog when the event is not in the log, or the error itself
 */
export function throwFenced(error: unknown): never {
  const code = codeOf(error)
  if (code === 'FENCE') throw new Fenced((error as Error).message)
  throw code === 'AHEAD' ? new AheadOfLog((error as Error).message, { cause: error }) : error
}
