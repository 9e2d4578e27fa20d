import type { Queryable } from '#platform/pg/pool.ts'

/** What was pruned is covered by a snapshot, as in `log.append`. */
const VERSIONS = `
  select w.name, greatest(s.version, e.version) as version
    from unnest($1::text[]) w(name)
    left join log.snapshots s on s.stream = w.name
    left join lateral (select version from log.events where stream = w.name order by version desc limit 1) e on true`

/** The newest version of streams, without their events; those that do not exist are left out. */
export async function versionsOf(db: Queryable, streams: readonly string[]): Promise<Map<string, number>> {
  const rows = await db.query<{ name: string; version: number | null }>('log.versions', VERSIONS, [streams])
  return new Map(rows.flatMap(({ name, version }) => (version === null ? [] : [[name, version]])))
}
