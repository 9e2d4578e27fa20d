import type { Recorded } from '#events/kit/envelope.ts'
import { type Move, throwFenced } from '#platform/log/consumers/ownership.ts'
import { lettersOf, type Parked } from '#platform/log/consumers/parked.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { fold, type Reading, type Row } from './fold.ts'
import type { RowMemory } from './memory.ts'
import { loadText, type Target, writeText } from './table.ts'
import type { Id } from './view.ts'

/** The rows that a batch touches: from memory where known, else from the table. */
async function load(db: Queryable, target: Target, readings: readonly Reading[], memory: RowMemory): Promise<Map<Id, Row>> {
  const { known, unknown } = memory.recall(readings)
  if (unknown.length === 0) return known
  const rows = await db.query<Row>(`load ${target.name}`, loadText(target), [unknown])
  for (const row of rows) known.set(row[target.view.key] as Id, row)
  return known
}

/**
 * Loads, folds and writes a batch in two round trips, or in one when all rows are remembered. The effect and `moves` commit
 * together. Rows may be read before that transaction: every process that changes rows also moves the checkpoint or raises its
 * epoch, so the write is then fenced.
 *
 * @returns the events that were parked
 * @throws Fenced when another process moved a checkpoint; nothing was written then
 */
export async function applyBatch(
  db: Queryable,
  target: Target,
  readings: readonly Reading[],
  isStuck: (recorded: Recorded) => boolean,
  moves: Move[],
  memory: RowMemory,
): Promise<Parked[]> {
  const rows = await load(db, target, readings, memory)
  const { changed, parked } = fold(target.view, rows, readings, isStuck)
  await write(db, target, changed, parked, moves)
  memory.learn(changed)
  return parked
}

/** A NOTIFY payload must be shorter than 8000 bytes; this leaves room for its other fields. */
const MAX_TOLD_BYTES = 6_000

/**
 * JSON list of the changed rows' ids; null when it would be too long or the view does not announce
 * rows: subscribers then check all.
 */
function told({ view }: Target, changed: ReadonlyMap<Id, Row | undefined>): string | null {
  if (!view.tellsRows) return null
  const ids = JSON.stringify([...changed.keys()])
  return Buffer.byteLength(ids) <= MAX_TOLD_BYTES ? ids : null
}

/** Writes changed rows, inserts parked events and moves the checkpoints, in one statement. */
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
  const values = [
    target.consumer,
    target.view.topic.name,
    JSON.stringify(moves),
    JSON.stringify(put),
    gone,
    lettersOf(parked),
    told(target, changed),
  ]
  await db.query(`write ${target.name}`, writeText(target), values).catch(throwFenced)
}
