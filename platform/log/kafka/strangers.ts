import type { Recorded } from '#events/kit/envelope.ts'
import { arrayParameter } from '#platform/pg/array.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { AheadOfLog } from '../timeline.ts'

/** Identifies a record: it is an event of the log if the log has one with the same position and id. */
type Told = Pick<Recorded, 'pos' | 'id'>

/**
 * The events are looked up by position in a query of their own (`offset 0` keeps it one): joined directly, Postgres reads the whole log
 * for each batch while the log is of medium size. `log.is_beyond` is written out, because the function would be called for each pruned
 * position.
 */
const STRANGERS = `
  select r.pos, r.id from unnest($1::bigint[], $2::text[]) r(pos, id)
    left join (select pos, id from log.events where pos = any ($1::bigint[]) offset 0) e on e.pos = r.pos
   where e.id::text <> r.id
      or e.pos is null and (r.pos > coalesce((select max(pos) from log.events), 0)
                            or exists (select from log.restorations x where x.head < r.pos and r.pos <= x.floor))`

/** The records that the log does not have. Those whose event was pruned cannot be compared, and count as events of the log. */
export async function strangers<T extends Told>(db: Queryable, records: readonly T[]): Promise<T[]> {
  if (records.length === 0) return []
  const values = [arrayParameter(records.map(({ pos }) => pos)), arrayParameter(records.map(({ id }) => id))]
  const rows = await db.query<{ pos: number; id: string }>('kafka.strangers', STRANGERS, values)
  if (rows.length === 0) return []
  const found = new Set(rows.map(({ pos, id }) => `${pos} ${id}`))
  return records.filter(({ pos, id }) => found.has(`${pos} ${id}`))
}

/**
 * Refuses events read from a topic that the log does not have. Otherwise they would be shown, and would hide the log's own events
 * with the same positions, wherever in the topics those are.
 * @throws AheadOfLog
 */
export async function assertOurs(db: Queryable, topic: string, events: readonly Told[]): Promise<void> {
  const [alien] = await strangers(db, events)
  if (alien) throw new AheadOfLog(`${topic} has an event at position ${alien.pos} that the log does not have`)
}
