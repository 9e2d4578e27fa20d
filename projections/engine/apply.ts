import type { Recorded } from '#events/kit/envelope.ts'
import { Fenced, type Positions } from '#platform/log/port.ts'
import type { Db } from '#platform/pg/pool.ts'
import { type Parked, type Reading, readFor, reason } from './fold.ts'
import type { Target } from './table.ts'
import { applyBatch, type Move, sift, write } from './write.ts'

const CREATE = `
  insert into log.checkpoints (consumer, topic, partition) select $1, $2, unnest($3::int[]) on conflict do nothing`

/** Who takes over raises the epoch: a former owner that does not know yet is fenced at its next batch. */
const TAKE_OVER = `
  update log.checkpoints set epoch = epoch + 1 where consumer = $1 and topic = $2 and partition = any ($3::int[])
  returning partition, pos, epoch`

const STUCK = `
  select distinct partition, stream from log.dead_letters
   where consumer = $1 and topic = $2 and partition = any ($3::int[]) and state <> 'skipped'`

const SETTLED = `
  select from log.checkpoints where consumer = $1 and topic = $2 and partition = any ($3::int[]) for share`

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
export function applier(db: Db, target: Target, onParked: (parked: Parked) => void = () => {}): Applier {
  const { consumer, view } = target
  const topic = view.topic.name
  const held = new Map<number, { pos: number; epoch: number; stuck: Set<string> }>()
  const isStuck = ({ partition, stream }: Recorded) => held.get(partition)!.stuck.has(stream)

  const movesOf = (batch: Recorded[]): Move[] => {
    const last = new Map(batch.map(({ partition, pos }) => [partition, pos]))
    return [...last].map(([partition, pos]) => {
      const { epoch, pos: seen } = held.get(partition)!
      return { partition, epoch, seen, pos }
    })
  }

  /** Runs one transaction, then believes what it did. */
  const commit = async (batch: Recorded[], effect: (moves: Move[]) => Promise<Parked[]>) => {
    const moves = movesOf(batch)
    const parked = await effect(moves).catch(async (error) => {
      if (!(error instanceof Fenced)) await settled().catch(() => {})
      throw error
    })
    for (const { partition, pos } of moves) held.get(partition)!.pos = pos
    for (const one of parked) {
      held.get(one.recorded.partition)!.stuck.add(one.recorded.stream)
      onParked(one)
    }
  }

  /** An error arrives before its transaction has let go of the checkpoint: the next try would find it held and take us for fenced. */
  const settled = () => db.query('checkpoints.settled', SETTLED, [consumer, topic, [...held.keys()]])

  /** Drops what lies at or before the checkpoint, also when the batch itself repeats. */
  const beyond = (batch: Recorded[]) => {
    const at = new Map<number, number>()
    return batch.filter(({ partition, pos }) => {
      const checkpoint = at.get(partition) ?? held.get(partition)?.pos
      if (checkpoint === undefined) throw new Fenced(`${consumer} does not own partition ${partition} of ${topic}`)
      if (pos <= checkpoint) return false
      at.set(partition, pos)
      return true
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

    async handle(batch) {
      const fresh = beyond(batch).map((recorded) => readFor(view, recorded))
      if (fresh.length === 0) return
      for (const portion of portions(fresh))
        await sift(
          portion,
          (some) =>
            commit(
              some.map((r) => r.recorded),
              (moves) => applyBatch(db, target, some, isStuck, moves),
            ),
          ({ recorded }, error) =>
            commit([recorded], async (moves) => {
              const parked: Parked[] = [{ recorded, state: 'failed', cause: reason(error) }]
              await write(db, target, new Map(), parked, moves)
              return parked
            }),
        )
    },
  }
}
