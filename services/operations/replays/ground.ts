import type { Db } from '#platform/pg/pool.ts'
import type { Source } from '#projections/engine/loads.ts'
import type { Progress } from '#projections/engine/progress.ts'

/** Dependencies of a replay. */
export interface Ground extends Source {
  db: Db
  /** Ends it early from this process; any process can do so with `cancelReplay`. */
  signal?: AbortSignal | undefined
  onProgress?(progress: Progress): void
  /** Never pauses, also while people are served. */
  fullSpeed?: boolean | undefined
}
