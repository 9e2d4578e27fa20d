import { namesProcess, sameName } from '#platform/pg/application-name.ts'
import type { Queryable } from '#platform/pg/pool.ts'

/**
 * Ends the connection that holds an owner's lock, and all other connections of its service in the same process: an open transaction
 * would keep its checkpoints locked. Connections of other processes have other names and stay. If the name does not tell the process,
 * only the connection with the lock is ended.
 */
const CUT = `
  with holder as materialized (
    select a.* from pg_stat_activity a join log.living_owners o on o.backend = a.pid
     where o.id = $1 and o.beat_at < clock_timestamp() - make_interval(secs => $2)),
  ended as materialized (
    select pg_terminate_backend(a.pid) as yes from pg_stat_activity a, holder h
     where a.pid = h.pid
        or (a.datid = h.datid and a.usesysid = h.usesysid and ${namesProcess('h.application_name')}
            and ${sameName('a.application_name')} = ${sameName('h.application_name')}))
  select count(*) filter (where yes)::int as cut from ended`

/**
 * Ends all connections of a frozen owner.
 * @param silentMs the owner is left alone if it has beaten within this time, by the database's clock
 * @returns the number of connections; 0 when the owner has woken or ended, or another process was faster
 */
export async function cutOff(db: Queryable, owner: string, silentMs: number): Promise<number> {
  const [row] = await db.query<{ cut: number }>('owners.cut', CUT, [owner, silentMs / 1_000])
  return row!.cut
}
