import type { Queryable } from '#platform/pg/pool.ts'
import { CHANNEL, doorOf } from '../kit/door/where.ts'

/**
 * Ends the connection that holds the door's lock, and waits until it is gone. A process that is alive takes the lock again at once.
 */
const FREE = `
  select pg_terminate_backend(pid, 2000) from pg_locks
   where locktype = 'advisory' and objsubid = 1 and granted
     and database = (select oid from pg_database where datname = $1)
     and (classid::bigint << 32) | objid::bigint = hashtextextended($2, 0)`

/** Name of the advisory lock of the process that serves the door, in the door's database. */
export const DOOR_LOCK = 'media-door'

/** Frees the door from a frozen process, so that another one can serve it. */
export async function freeDoor(db: Queryable, databaseUrl: string): Promise<void> {
  await db.query('door.free', FREE, [doorOf(databaseUrl).name, DOOR_LOCK])
  await db.query('door.ring', `select pg_notify($1, '')`, [CHANNEL])
}
