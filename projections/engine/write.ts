import type { Recorded } from '#events/kit/envelope.ts'
import { type Move, throwFenced } from '#platform/log/ownership.ts'
import { lettersOf, type Parked } from '#platform/log/parked.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { fold, type Reading, type Row } from './fold.ts'
import { loadText, type Target, writeText } from './table.ts'
import type { Id } from './view.ts'

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

/** A NOTIFY carries less than 8000 bytes, the rest of it included. */
const MAX_TOLD_BYTES = 6_000

/** Which rows changed, as far as that can be told; null: look at all. */
function told({ view }: Target, changed: ReadonlyMap<Id, Row | undefined>): string | null {
  if (!view.tellsRows) return null
  const ids = JSON.stringify([...changed.keys()])
  return Buffer.byteLength(ids) <= MAX_TOLD_BYTES ? ids : null
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
