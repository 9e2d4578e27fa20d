import type { Recorded } from '#events/kit/envelope.ts'
import { type Db, inTransaction, type Queryable } from '#platform/pg/pool.ts'

/** A parked event, with its cause if it failed itself; or an event that was skipped. */
export interface Letter {
  consumer: string
  topic: string
  partition: number
  stream: string
  pos: number
  /** `due`: its consumer is about to try it again. */
  state: 'failed' | 'waiting' | 'due' | 'skipped'
  /** Error message of a failure; for a skipped event, the operator's reason. */
  cause: string | null
  /** Kind of the error, and where in this project's code it was thrown. */
  error: string | null
  place: string | null
  /** When it was parked, as Postgres writes a timestamp. */
  at: string
  /** How often an operator has redriven it. */
  redriven: number
  event: Recorded
}

/** Lists parked and skipped events by position, all or those of one consumer or stream. */
export async function letters(
  db: Queryable,
  { consumer, stream, limit = 100 }: { consumer?: string; stream?: string; limit?: number } = {},
): Promise<Letter[]> {
  const rows = await db.query<Omit<Letter, 'event'> & { event: string }>(
    'letters.list',
    `select consumer, topic, partition, stream, pos, state, cause, error, place, at, redriven, event from log.dead_letters
      where ($1::text is null or consumer = $1) and ($2::text is null or stream = $2) order by consumer, pos limit $3`,
    [consumer, stream, limit],
  )
  return rows.map((row) => ({ ...row, event: JSON.parse(row.event) }))
}

/**
 * Gives a failed event up and keeps the reason. The events behind it can then be redriven.
 *
 * @returns false when there is no such failed event
 */
export const skip = (db: Db, consumer: string, stream: string, pos: number, because: string): Promise<boolean> =>
  db.tx(async (tx) => {
    const at = inTransaction(tx)
    if (!(await fenceOwner(at, consumer, [stream]))) return false
    const skipped = await at.query(
      'letters.skip',
      `update log.dead_letters set state = 'skipped', cause = $4
        where consumer = $1 and stream = $2 and pos = $3 and state = 'failed' returning pos`,
      [consumer, stream, pos, because],
    )
    return skipped.length > 0
  })

/**
 * Locks the checkpoints of the partitions that hold the streams' parked events until the transaction ends, and raises their
 * epochs: their owner must then reread its state. Locks in partition order, like all code, to avoid deadlocks.
 *
 * @returns false when none of the streams is parked: then nothing is locked, and the caller must not touch what the owner parks later
 */
export async function fenceOwner(at: Queryable, consumer: string, streams: readonly string[]): Promise<boolean> {
  const fenced = await at.query(
    'checkpoints.fence',
    `with held as materialized (
       select topic, partition from log.checkpoints
        where consumer = $1 and (topic, partition) in
              (select topic, partition from log.dead_letters where consumer = $1 and stream = any ($2))
        order by partition for update)
     update log.checkpoints c set epoch = epoch + 1 from held
      where c.consumer = $1 and c.topic = held.topic and c.partition = held.partition
      returning c.partition`,
    [consumer, streams],
  )
  return fenced.length > 0
}
