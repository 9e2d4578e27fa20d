import type pg from 'pg'
import type { Recorded } from '#events/kit/envelope.ts'
import { type Parked, reason } from '#platform/log/parked.ts'
import { sift } from '#platform/log/sift.ts'
import { isRefusal } from '#platform/pg/errors.ts'
import { type Db, type Queryable, within } from '#platform/pg/pool.ts'
import { readFor } from './fold.ts'
import { rowMemory } from './memory.ts'
import { liveOf, type Target } from './table.ts'
import type { View } from './view.ts'
import { applyBatch, write } from './write.ts'

/** An event that a consumer could not handle, with its cause, or one that waits behind it. */
export interface Letter {
  consumer: string
  topic: string
  partition: number
  stream: string
  pos: number
  /** Due: its consumer is about to try it again. */
  state: 'failed' | 'waiting' | 'due' | 'skipped'
  /** Of a failure; for a skip the reason given. */
  cause: string | null
  /** When it was parked, as Postgres writes a moment. */
  at: string
  event: Recorded
}

/** Lists dead letters in position order, all or those of one consumer or stream. */
export async function letters(
  db: Queryable,
  { consumer, stream, limit = 100 }: { consumer?: string; stream?: string; limit?: number } = {},
): Promise<Letter[]> {
  const rows = await db.query<Omit<Letter, 'event'> & { event: string }>(
    'letters.list',
    `select consumer, topic, partition, stream, pos, state, cause, at, event from log.dead_letters
      where ($1::text is null or consumer = $1) and ($2::text is null or stream = $2) order by consumer, pos limit $3`,
    [consumer, stream, limit],
  )
  return rows.map((row) => ({ ...row, event: JSON.parse(row.event) }))
}

/** What a redrive came to, in events. */
export interface Redriven {
  applied: number
  /** Still parked, because one of them failed again. */
  parked: number
}

/**
 * Applies what is parked of a stream, in order, in one transaction. What fails again stays parked, with what waits behind it.
 * The live owner is fenced and goes on from what is then true.
 */
export const redrive = (db: Db, view: View, stream: string) => redriveIn(db, liveOf(view), stream)

/** `redrive`, for the live table or the next one. */
export function redriveIn(db: Db, target: Target, stream: string): Promise<Redriven> {
  return db.tx(async (tx) => {
    const at = within(tx)
    if (!(await fenceOwner(at, target.consumer, stream))) return { applied: 0, parked: 0 }
    const taken = await at.query<{ event: string }>(
      'letters.take',
      `with taken as (delete from log.dead_letters where consumer = $1 and stream = $2 and state <> 'skipped' returning pos, event)
       select event from taken order by pos`,
      [target.consumer, stream],
    )
    const readings = taken.map(({ event }) => readFor(target.view, JSON.parse(event)))
    let parked = 0
    const keep = (more: Parked[]) => {
      parked += more.length
    }
    await sift(readings, {
      attempt: (some) =>
        savepoint(tx, async () => keep(await applyBatch(at, target, some, () => parked > 0, [], rowMemory(target.view)))),
      refused: async ({ recorded }, error) => {
        const failed: Parked[] = [{ recorded, state: 'failed', cause: reason(error) }]
        await write(at, target, new Map(), failed, [])
        keep(failed)
      },
      isFault: isRefusal,
    })
    return { applied: readings.length - parked, parked }
  })
}

/**
 * Gives a failed event up, with a reason that is kept. What waits behind it can then be redriven.
 * @returns false when there is no such failed event
 */
export const skip = (db: Db, consumer: string, stream: string, pos: number, because: string): Promise<boolean> =>
  db.tx(async (tx) => {
    const at = within(tx)
    if (!(await fenceOwner(at, consumer, stream))) return false
    const skipped = await at.query(
      'letters.skip',
      `update log.dead_letters set state = 'skipped', cause = $4
        where consumer = $1 and stream = $2 and pos = $3 and state = 'failed' returning pos`,
      [consumer, stream, pos, because],
    )
    return skipped.length > 0
  })

/**
 * Holds the checkpoint that the stream's events move, until the transaction ends, and makes its owner look again.
 * @returns false when nothing of the stream is parked: then there is nothing to hold, and what its owner parks next is the owner's
 */
async function fenceOwner(at: Queryable, consumer: string, stream: string): Promise<boolean> {
  const fenced = await at.query(
    'checkpoints.fence',
    `update log.checkpoints set epoch = epoch + 1
      where (consumer, topic, partition) in
            (select consumer, topic, partition from log.dead_letters where consumer = $1 and stream = $2)
      returning partition`,
    [consumer, stream],
  )
  return fenced.length > 0
}

async function savepoint(tx: pg.PoolClient, work: () => Promise<void>) {
  await tx.query('savepoint attempt')
  try {
    await work()
    await tx.query('release savepoint attempt')
  } catch (error) {
    await tx.query('rollback to savepoint attempt')
    throw error
  }
}
