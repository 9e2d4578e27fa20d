import { arrayParameter } from '#platform/pg/array.ts'
import type { Queryable } from '#platform/pg/pool.ts'

/** What was pruned is covered by a snapshot, as in `log.append`. */
const CHANGED = `
  select w.name
    from unnest($1::text[], $2::int[]) w(name, version)
    left join log.snapshots s on s.stream = w.name
    left join lateral (select version from log.events where stream = w.name order by version desc limit 1) e on true
   where greatest(s.version, e.version, 0) <> w.version`

/**
 * Streams that are no longer as they were seen, without reading their events.
 * @param seen versions by stream; 0 for one that did not exist
 */
export async function changedSince(db: Queryable, seen: ReadonlyMap<string, number>): Promise<Set<string>> {
  if (seen.size === 0) return new Set()
  const values = [arrayParameter([...seen.keys()]), arrayParameter([...seen.values()])]
  return new Set((await db.query<{ name: string }>('log.changed', CHANGED, values)).map(({ name }) => name))
}
