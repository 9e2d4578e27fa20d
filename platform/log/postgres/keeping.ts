import type { Catalog } from '#events/kit/codec.ts'
import { type Decider, decidersByKind } from '#events/kit/stream.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { folding } from '../commands/folding.ts'
import { appender, type SnapshotRow, snapshotRows } from './appender.ts'

/** Does not replace a snapshot that a writer stored meanwhile, if its version or its decider's version is later. */
const KEEP = `
  insert into log.snapshots as s (stream, version, state_version, state)
  select k.stream, k.version, k."stateVersion", k.state
    from json_to_recordset($1) k(stream text, version int, "stateVersion" int, state json)
  on conflict (stream) do update set version = excluded.version, state_version = excluded.state_version, state = excluded.state
   where s.version <= excluded.version and s.state_version <= excluded.state_version`

/** Most streams in memory at once. */
const PORTION = 500

export interface KeepingOptions {
  db: Queryable
  catalog: Catalog
  deciders: readonly Decider[]
  /** Called for each stream that cannot be folded; the others get their snapshots. */
  onError(error: unknown, stream: string): void
}

/** Stores snapshots of the present states of streams, so that decisions no longer need the events. */
export function keeping({ db, catalog, deciders, onError }: KeepingOptions): (streams: readonly string[]) => Promise<void> {
  const log = appender(db)
  const fold = folding({ appender: log, catalog, deciderOf: decidersByKind(deciders) })
  return async (streams) => {
    for (let from = 0; from < streams.length; from += PORTION) {
      const found = await log.load({ streams: streams.slice(from, from + PORTION), ids: {}, idempotencyKeys: [] })
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
