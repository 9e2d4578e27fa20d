import type { Queryable } from '#platform/pg/pool.ts'
import { type Places, placesOf } from './chosen.ts'
import type { Filter } from './filter.ts'

/**
 * The places to search for a filter, like `placesOf`; for a stream that the database knows, only the stream's partition.
 * @throws OperatorError for an unknown topic, type or field
 */
export async function narrowed(db: Queryable, filter: Filter, topic?: string): Promise<Places> {
  const { stream, key } = filter
  if (stream === undefined || key !== undefined) return placesOf(filter, topic)
  const [known] = await db.query<{ key: string }>('topics.keyOf', 'select key from log.events where stream = $1 limit 1', [
    stream,
  ])
  return placesOf({ ...filter, key: known?.key }, topic)
}
