import type { Queryable } from '#platform/pg/pool.ts'
import type { View } from './view.ts'

/** The version of a view that queries read now; undefined when it was never built. */
export async function liveVersion(db: Queryable, view: View): Promise<number | undefined> {
  const [row] = await db.query<{ version: number }>('views.version', 'select version from log.views where view = $1', [view.name])
  return row?.version
}
