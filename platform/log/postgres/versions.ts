import { arrayParameter } from '#platform/pg/array.ts'
import type { Queryable } from '#platform/pg/pool.ts'

/** Pruned events are covered by a snapshot, so the newest version is the snapshot's or the last event's, as in `log.append`. */
const CHANGED = `
  select w.name
    from unnest($1::text[], $2::int[]) w(name, version)
    left join log.snapshots s on s.stream = w.name
    left join lateral (select version from log.events where stream = w.name order by version desc limit 1) e on true
   where greatest(s.version, e.version, 0) <> w.version`

/**
 * Streams whose version is no longer the one given. Reads none of their events.
 * @param seen versions by stream; 0 for a stream that did not exist
 */
export async function changedSince(db: Queryable, seen: ReadonlyMap<string, number>): Promise<Set<string>> {
  if (seen.size === 0) return new Set()
  const values = [arrayParameter([...seen.keys()]), arrayParameter([...seen.values()])]
  return new Set((await db.query<{ name: string }>('log.changed', CHANGED, values)).map(({ name }) => name))
}
