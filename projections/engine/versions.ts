import type { Queryable } from '#platform/pg/pool.ts'
import type { View } from './view.ts'

/** The version of the live view; undefined when it was never built. */
export async function liveVersion(db: Queryable, view: View): Promise<number | undefined> {
  const [row] = await db.query<{ version: number }>('views.version', 'select version from log.views where view = $1', [view.name])
  return row?.version
}

/** Whether a view was never built, or is live in an older version than this code's. */
export async function isBehind(db: Queryable, view: View): Promise<boolean> {
  const live = await liveVersion(db, view)
  return live === undefined || live < view.version
}
