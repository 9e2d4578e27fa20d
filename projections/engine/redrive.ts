import type pg from 'pg'
import type { Recorded } from '#events/kit/envelope.ts'
import { bisect } from '#platform/log/consumers/bisect.ts'
import { failed, type Parked } from '#platform/log/consumers/parked.ts'
import { restoreParked, takeParked } from '#platform/log/consumers/redrive.ts'
import { isRefusal } from '#platform/pg/errors.ts'
import { type Db, inTransaction } from '#platform/pg/pool.ts'
import { unfit } from './fit.ts'
import { readFor } from './fold.ts'
import { rowMemory } from './memory.ts'
import { liveOf, type Target } from './table.ts'
import type { View } from './view.ts'
import { applyBatch, write } from './write.ts'

/** The outcome of a redrive, in events. */
export interface Redriven {
  applied: number
  /** Still parked: an event that failed again, and those behind it. */
  parked: number
  /** The event that failed again, with its cause; null if none did. */
  failure: Parked | null
}

/**
 * Applies a stream's parked events, in order, in one transaction. An event that fails again stays parked, with those behind it.
 * The live owner is fenced and resumes from the new state.
 */
export const redrive = async (db: Db, view: View, stream: string): Promise<Redriven> =>
  (await redriveStreams(db, view, [stream])).get(stream)!

/** Like `redrive`, for several streams in one transaction: the owner is fenced once. @returns the outcome by stream */
export const redriveStreams = (db: Db, view: View, streams: readonly string[]) =>
  db.tx((tx) => redriveIn(tx, liveOf(view), streams, true))

/** Like `redriveStreams`, but rolls everything back: shows what a redrive would do. */
export async function tryStreams(db: Db, view: View, streams: readonly string[]): Promise<Map<string, Redriven>> {
  const tried = Promise.withResolvers<Map<string, Redriven>>()
  const undone = new Error('undone')
  await db
    .tx(async (tx) => {
      tried.resolve(await redriveIn(tx, liveOf(view), streams, true))
      throw undone
    })
    .catch((error) => {
      if (error !== undone) throw error
    })
  return tried.promise
}

/** Redrives streams within a transaction. @param byPerson true for an operator's redrive, false for a rebuild's */
export async function redriveIn(
  tx: pg.PoolClient,
  target: Target,
  streams: readonly string[],
  byPerson: boolean,
): Promise<Map<string, Redriven>> {
  const at = inTransaction(tx)
  const results = new Map(streams.map((stream): [string, Redriven] => [stream, { applied: 0, parked: 0, failure: null }]))
  const taken = await takeParked(at, target.consumer, streams)
  if (!taken) return results
  // The checkpoints are locked until the commit, so no rebuild can be swapped in after this check.
  const wrong = byPerson ? await unfit(at, target.view) : undefined
  if (wrong) throw wrong
  const readings = taken.map(({ event }) => readFor(target.view, JSON.parse(event)))
  const keep = (more: Parked[]) => {
    for (const one of more) {
      const result = results.get(one.recorded.stream)!
      result.parked++
      if (one.state === 'failed') result.failure = one
    }
  }
  const isStuck = ({ stream }: Recorded) => results.get(stream)!.parked > 0
  await bisect(readings, {
    attempt: (some) => savepoint(tx, async () => keep(await applyBatch(at, target, some, isStuck, [], rowMemory(target.view)))),
    refused: async ({ recorded }, error) => {
      const failedAgain = [failed(recorded, error)]
      await write(at, target, new Map(), failedAgain, [])
      keep(failedAgain)
    },
    isFault: isRefusal,
  })
  for (const { recorded } of readings) results.get(recorded.stream)!.applied++
  for (const result of results.values()) result.applied -= result.parked
  if (readings.some(({ recorded }) => isStuck(recorded))) await restoreParked(at, target.consumer, taken, byPerson)
  return results
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
