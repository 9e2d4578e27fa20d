import type { Recorded } from '#events/kit/envelope.ts'
import type { Queryable } from '#platform/pg/pool.ts'

/** The newest event of a stream, as what comes next is caused by it; undefined when the log has none of it (any more). */
export async function newestOf(db: Queryable, stream: string): Promise<Pick<Recorded, 'id' | 'correlationId'> | undefined> {
  const [newest] = await db.query<Pick<Recorded, 'id' | 'correlationId'>>(
    'log.newest',
    'select id, correlation_id as "correlationId" from log.events where stream = $1 order by version desc limit 1',
    [stream],
  )
  return newest
}
