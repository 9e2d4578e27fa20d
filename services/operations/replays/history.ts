import type { Queryable } from '#platform/pg/pool.ts'
import { type ReplayAct, type ReplayRow, replaysOf } from '#projections/engine/replays.ts'
import { operationsByIds } from '#projections/operations.ts'

/** A replay, with the reason that a person gave for it. */
export interface ReplayTold extends ReplayRow {
  reason: string | null
  /** The command line that does the same; null when no person started it. */
  command: string | null
}

/** The newest replays first, with who started each, why, and how long it took. */
export async function replayHistory(
  db: Queryable,
  of: { view?: string | undefined; act?: ReplayAct | undefined; limit: number },
): Promise<ReplayTold[]> {
  const rows = await replaysOf(db, of)
  const operations = await operationsByIds(
    db,
    rows.map(({ id }) => id),
  )
  const byId = new Map(operations.map((one) => [one.operation, one]))
  return rows.map((row) => ({ ...row, reason: byId.get(row.id)?.reason ?? null, command: byId.get(row.id)?.command ?? null }))
}
