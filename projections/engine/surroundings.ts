import { cpus } from 'node:os'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Surroundings } from './pace.ts'

/**
 * When a connection of the API last began or ended a statement, and the age of the oldest event that a consumer has not handled
 * although it moves. A consumer that stands still, or has no process, would slow its own rebuild down.
 */
const LOOK = `
  select api.at::text as "apiAt", coalesce(api.at > clock_timestamp() - interval '300 milliseconds', false) as "isFresh", late.ms as "lateMs"
    from (select max(state_change) as at from pg_stat_activity
           where datname = current_database() and application_name like 'vidwiz api %') api,
         (select coalesce(max(extract(epoch from clock_timestamp()) * 1000 - e.time), 0)::float8 as ms
            from log.checkpoints c
            cross join lateral (
              select time from log.events e
               where (e.topic, e.partition, e.pos) > (c.topic, c.partition, c.pos) and (e.topic, e.partition) <= (c.topic, c.partition)
               order by e.topic, e.partition, e.pos limit 1) e
           where c.moved_at > now() - interval '2 seconds' and c.consumer not like '%~next') late`

interface Found {
  apiAt: string | null
  isFresh: boolean
  lateMs: number
}

/** The API asks the database also when nobody is there, but so seldom that fewer of these many looks see it. */
const LOOKS = 8
const SERVING_LOOKS = 4

/**
 * Returns a function that looks at what is around a replay. To be called several times a second; the first look, which has nothing to
 * compare with, may take the API's own statement for a request.
 */
export function openSurroundings(db: Queryable): () => Promise<Surroundings> {
  /** Whether each of the last looks saw the API at work. */
  const seen: boolean[] = []
  let apiAt: string | null
  let times = processorTimes()
  return async () => {
    const [found] = (await db.query<Found>('replay.surroundings', LOOK)) as [Found]
    seen.push(seen.length === 0 ? found.isFresh : found.apiAt !== apiAt && found.apiAt !== null)
    if (seen.length > LOOKS) seen.shift()
    apiAt = found.apiAt
    const now = processorTimes()
    const idle = now.all > times.all ? (now.count * (now.idle - times.idle)) / (now.all - times.all) : now.count
    times = now
    const isServing = seen.filter(Boolean).length >= Math.min(SERVING_LOOKS, seen.length)
    return { isServing, idle, lateMs: found.lateMs }
  }
}

/** How many processors there are, and their time since their start, in milliseconds. */
function processorTimes() {
  const all = cpus()
  const total = { count: all.length, idle: 0, all: 0 }
  for (const { times } of all) {
    total.idle += times.idle
    total.all += times.user + times.nice + times.sys + times.idle + times.irq
  }
  return total
}
