import type { Place } from '#platform/log/port.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { View } from './view.ts'
import type { Waiter } from './wait.ts'

/** Waits until views show all that happened in their topics up to a position of the whole log. */
export type ShowUpTo = (views: readonly View[], pos: number) => Promise<void>

/** The last event at or before a position, in each partition of some topics. */
const LAST = `
  select topic, partition, pos
    from unnest($1::text[], $2::int[]) t (topic, partitions)
   cross join lateral generate_series(0, partitions - 1) p (partition)
   cross join lateral
     (select pos from log.events e where e.topic = t.topic and e.partition = p.partition and e.pos <= $3 order by pos desc limit 1) last`

/** A view that is so far behind is waited for by trying again later. */
const PATIENCE_MS = 10_000

/**
 * @param signal ends all waits
 * @returns a wait that throws when the views have not come so far in time
 */
export const showUpTo =
  (db: Queryable, waiter: Pick<Waiter, 'visible'>, signal: AbortSignal): ShowUpTo =>
  async (views, pos) => {
    const topics = [...new Map(views.map(({ topic }) => [topic.name, topic])).values()]
    const places = await db.query<Place>('views.upTo', LAST, [
      topics.map(({ name }) => name),
      topics.map(({ partitions }) => partitions),
      pos,
    ])
    const names = views.map(({ name }) => name)
    if (!(await unlessAborted(signal, waiter.visible(names, places, PATIENCE_MS))))
      throw new Error(`the views ${names.join(', ')} have not come to position ${pos} yet`)
  }

/** @returns false when the signal is faster */
async function unlessAborted(signal: AbortSignal, waiting: Promise<boolean>): Promise<boolean> {
  const aborted = Promise.withResolvers<boolean>()
  const abort = () => aborted.resolve(false)
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  try {
    return await Promise.race([waiting, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
