import type { Reader } from '#platform/log/port.ts'
import type { Db } from '#platform/pg/pool.ts'
import type { Progress } from '#projections/engine/progress.ts'

/** Dependencies of a replay. */
export interface Ground {
  db: Db
  reader: Reader
  /** Ends it early from this process; any process can do so with `cancelReplay`. */
  signal?: AbortSignal | undefined
  onProgress?(progress: Progress): void
  /** Never pauses, also while people are served. */
  fullSpeed?: boolean | undefined
}
