import { unlessAborted } from '#platform/deadline.ts'
import type { Place } from '#platform/log/port.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { readSteadily } from './steady.ts'
import type { View } from './view.ts'
import type { Waiter } from './wait.ts'

/** Runs `read` once the views show all events of their topics up to a log position. */
export type ShowUpTo = <T>(views: readonly View[], pos: number, read: () => Promise<T>) => Promise<T>

/** The last event at or before a position, in each partition of the topics. */
const LAST = `
  select topic, partition, pos
    from unnest($1::text[], $2::int[]) t (topic, partitions)
   cross join lateral generate_series(0, partitions - 1) p (partition)
   cross join lateral
     (select pos from log.events e where e.topic = t.topic and e.partition = p.partition and e.pos <= $3 order by pos desc limit 1) last`

/** A view that takes longer is left for a later attempt by the caller. */
const PATIENCE_MS = 10_000

/**
 * @param signal ends all waits
 * @returns a function that reads, and throws when the views do not reach the position in time
 */
export const showUpTo =
  (db: Queryable, waiter: Pick<Waiter, 'visible' | 'mark' | 'holds'>, signal: AbortSignal): ShowUpTo =>
  async (views, pos, read) => {
    const topics = [...new Map(views.map(({ topic }) => [topic.name, topic])).values()]
    const places = await db.query<Place>('views.upTo', LAST, [
      topics.map(({ name }) => name),
      topics.map(({ partitions }) => partitions),
      pos,
    ])
    const names = views.map(({ name }) => name)
    const behind = () => new Error(`the views ${names.join(', ')} have not come to position ${pos} yet`)
    const shown = async () => {
      if (signal.aborted) throw behind()
      if (!(await unlessAborted(signal, waiter.visible(names, places, PATIENCE_MS)))) throw behind()
      return true
    }
    const { isVisible, result } = await readSteadily(waiter, shown, read)
    if (!isVisible) throw behind()
    return result
  }
