import type pg from 'pg'
import type { Recorded } from '#events/kit/envelope.ts'
import { Fenced } from '#platform/log/port.ts'
import { codeOf, isRefusal } from '#platform/pg/errors.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { fold, type Parked, type Reading, type Row } from './fold.ts'
import { loadText, type Target, writeText } from './table.ts'
import type { Id } from './view.ts'

/** A step of one partition's checkpoint, by compare-and-set on `epoch` and `seen`. */
export interface Move {
  partition: number
  epoch: number
  seen: number
  pos: number
}

/** Loads the rows that a batch touches. */
async function load(db: Queryable, target: Target, readings: readonly Reading[]): Promise<Map<Id, Row>> {
  const ids = [...new Set(readings.flatMap((reading) => (reading.cause === undefined ? [reading.id] : [])))]
  if (ids.length === 0) return new Map()
  const rows = await db.query<Row>(`load ${target.name}`, loadText(target), [ids])
  return new Map(rows.map((row) => [row[target.view.key] as Id, row]))
}

/**
 * Loads, folds and writes a batch in two round trips; the effect and `moves` commit together.
 * Reading before that transaction is sound: whoever changes rows moves the checkpoint or raises its epoch.
 *
 * @returns what had to be parked
 * @throws Fenced when a checkpoint was moved by somebody else; nothing was written
 */
export async function applyBatch(
  db: Queryable,
  target: Target,
  readings: readonly Reading[],
  isStuck: (recorded: Recorded) => boolean,
  moves: Move[],
): Promise<Parked[]> {
  const rows = await load(db, target, readings)
  const { changed, parked } = fold(target.view, rows, readings, isStuck)
  await write(db, target, changed, parked, moves)
  return parked
}

/** Writes changed rows and parked events and moves the checkpoints, in one statement. */
export async function write(
  db: Queryable,
  target: Target,
  changed: ReadonlyMap<Id, Row | undefined>,
  parked: readonly Parked[],
  moves: Move[],
) {
  const put: Row[] = []
  const gone: Id[] = []
  for (const [id, row] of changed) row ? put.push(row) : gone.push(id)
  const letters = parked.map(({ recorded, state, cause }) => {
    const { partition, stream, pos } = recorded
    return { partition, stream, pos, event: recorded, state, cause }
  })
  const values = [
    target.consumer,
    target.view.topic.name,
    JSON.stringify(moves),
    JSON.stringify(put),
    gone,
    JSON.stringify(letters),
  ]
  try {
    await db.query(`write ${target.name}`, writeText(target), values)
  } catch (error) {
    throw codeOf(error) === 'FENCE' ? new Fenced((error as Error).message) : error
  }
}

/**
 * Runs `attempt` on all items, in order. What the database refuses is halved until the guilty item stands alone, and that
 * one goes to `refused`. Other errors are thrown on.
 */
export async function sift<T>(
  items: T[],
  attempt: (items: T[]) => Promise<void>,
  refused: (item: T, cause: Error) => Promise<void>,
): Promise<void> {
  try {
    await attempt(items)
  } catch (error) {
    if (!isRefusal(error)) throw error
    if (items.length === 1) return refused(items[0]!, error as Error)
    const half = items.length >> 1
    await sift(items.slice(0, half), attempt, refused)
    await sift(items.slice(half), attempt, refused)
  }
}

/** A transaction's connection as the other functions want it. */
export const within = (tx: pg.PoolClient): Queryable => ({
  query: async <R extends object>(name: string, text: string, values: unknown[] = []) =>
    (await tx.query<R & pg.QueryResultRow>({ name, text, values })).rows,
})
