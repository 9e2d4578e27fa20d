import type { Catalog } from '#events/kit/codec.ts'
import type { Decider } from '#events/kit/stream.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { decidersByKind } from '../deciding.ts'
import { folding } from '../folding.ts'
import { appender } from './appender.ts'
import { type SnapshotRow, snapshotRows } from './snapshots.ts'

/** A writer may have kept a later state meanwhile, or that of a later version of the decider. */
const KEEP = `
  insert into log.snapshots as s (stream, version, state_version, state)
  select k.stream, k.version, k."stateVersion", k.state
    from json_to_recordset($1) k(stream text, version int, "stateVersion" int, state json)
  on conflict (stream) do update set version = excluded.version, state_version = excluded.state_version, state = excluded.state
   where s.version <= excluded.version and s.state_version <= excluded.state_version`

/** Streams that are in memory at once. */
const PORTION = 500

export interface KeepingOptions {
  db: Queryable
  catalog: Catalog
  deciders: readonly Decider[]
  /** Told of each stream that cannot be folded; the others are kept. */
  onError(error: unknown, stream: string): void
}

/** Keeps the present state of streams, so that nobody needs their events any more to decide. */
export function keeping({ db, catalog, deciders, onError }: KeepingOptions): (streams: readonly string[]) => Promise<void> {
  const log = appender(db)
  const fold = folding({ appender: log, catalog, deciderOf: decidersByKind(deciders) })
  return async (streams) => {
    for (let from = 0; from < streams.length; from += PORTION) {
      const found = await log.load({ streams: streams.slice(from, from + PORTION), ids: {}, keys: [] })
      const snapshots: SnapshotRow[] = []
      for (const [stream, one] of found.streams) {
        try {
          const { version, stateVersion, state } = await fold(stream, one)
          snapshots.push({ stream, version, stateVersion, state })
        } catch (error) {
          onError(error, stream)
        }
      }
      await db.query('log.keep', KEEP, [snapshotRows(snapshots)])
    }
  }
}
