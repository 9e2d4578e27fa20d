import type { Recorded } from '#events/kit/envelope.ts'
import type { Queryable } from '#platform/pg/pool.ts'

type Newest = Pick<Recorded, 'id' | 'correlationId' | 'traceparent'>

/** The newest event of a stream, as the cause of what comes next; undefined when the log has no event of it (any more). */
export async function newestOf(db: Queryable, stream: string): Promise<Newest | undefined> {
  const [newest] = await db.query<Newest>(
    'log.newest',
    'select id, correlation_id as "correlationId", traceparent from log.events where stream = $1 order by version desc limit 1',
    [stream],
  )
  return newest
}
