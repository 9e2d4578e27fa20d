import type { Queryable } from '#platform/pg/pool.ts'
import { liveOf } from './table.ts'
import type { View } from './view.ts'

/** The version of the live view; undefined when it was never built. */
export async function liveVersion(db: Queryable, view: View): Promise<number | undefined> {
  const [row] = await db.query<{ version: number }>('views.version', 'select version from log.views where view = $1', [view.name])
  return row?.version
}

/** Whether a view was never built, is live in an older version than this code's, or in this one and its table is gone. */
export async function isBehind(db: Queryable, view: View): Promise<boolean> {
  const live = await liveVersion(db, view)
  return live === undefined || live < view.version || (live === view.version && !(await hasTable(db, view)))
}

/** Whether the live table exists: somebody may have dropped it, or the whole schema. */
export async function hasTable(db: Queryable, view: View): Promise<boolean> {
  const [row] = await db.query<{ is: boolean }>('views.table', 'select to_regclass($1) is not null as is', [liveOf(view).table])
  return row!.is
}
