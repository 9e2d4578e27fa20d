import type { Queryable } from '#platform/pg/pool.ts'

/** Parked streams: those of one cause, of one consumer, or a single stream of one consumer. */
export interface Selection {
  /** Id of a group. */
  group?: string | undefined
  consumer?: string | undefined
  /** Only with a consumer. */
  stream?: string | undefined
}

/** The group of streams without a failed event (any more): the waiting events can be redriven. */
export const FREED = 'freed'

/** A stream that is parked in a consumer. */
export interface Stuck {
  consumer: string
  topic: string
  stream: string
  /** Of the first parked event. */
  pos: number
  /** Number of parked events. */
  events: number
  /** When the first was parked, in milliseconds since the epoch. */
  at: number
  /** How often a person has redriven it. */
  redriven: number
  /** Its consumer is about to retry it. */
  isDue: boolean
}

/** A position in the list of parked streams. */
export interface Cursor {
  consumer: string
  stream: string
}

const BEGINNING: Cursor = { consumer: '', stream: '' }
/** Excludes skipped events, and views that are being rebuilt (their consumer names contain `~`). */
const COUNTS = `state <> 'skipped' and consumer not like '%~%'`
const EACH = `count(*) as events, min(pos) as pos, (extract(epoch from min(at)) * 1000)::bigint as at,
  max(redriven) as redriven, bool_or(state = 'due') as "isDue"`

/** `$1` group, `$2` consumer, `$3` stream, each null for any; `$4`, `$5` the cursor, `$6` the limit. */
const OF_GROUP = `
  select h.consumer, h.topic, h.stream, w.* from
    (select consumer, topic, stream from log.dead_letters
      where group_id = $1 and ${COUNTS} and ($2::text is null or consumer = $2) and ($3::text is null or stream = $3)
        and (consumer, stream) > ($4, $5) order by consumer, stream limit $6) h,
    lateral (select ${EACH} from log.dead_letters w
              where w.consumer = h.consumer and w.stream = h.stream and w.state <> 'skipped') w
  order by h.consumer, h.stream`
const OF_ALL = `
  select consumer, min(topic) as topic, stream, ${EACH} from log.dead_letters
   where ${COUNTS} and ($2::text is null or consumer = $2) and ($3::text is null or stream = $3) and (consumer, stream) > ($4, $5)
   group by consumer, stream having $1::text is null or max(group_id) is null order by consumer, stream limit $6`

/**
 * The streams of a selection, by pages. The cost of a page does not depend on the number of streams.
 * @param after the page starts behind it; the first page, if not given
 */
export async function stuckStreams(
  db: Queryable,
  { group = null, consumer = null, stream = null }: { [K in keyof Selection]: Selection[K] | null },
  { after = BEGINNING, limit }: { after?: Cursor | undefined; limit: number },
): Promise<{ streams: Stuck[]; next: Cursor | null }> {
  const isOfGroup = group !== null && group !== FREED
  const streams = await db.query<Stuck>(isOfGroup ? 'parked.ofGroup' : 'parked.ofAll', isOfGroup ? OF_GROUP : OF_ALL, [
    group,
    consumer,
    stream,
    after.consumer,
    after.stream,
    limit,
  ])
  const last = streams.at(-1)
  return { streams, next: last && streams.length === limit ? { consumer: last.consumer, stream: last.stream } : null }
}

/** Number of streams and events of a selection, by consumer. */
export async function stuckIn(
  db: Queryable,
  { group = null, consumer = null, stream = null }: { [K in keyof Selection]: Selection[K] | null },
): Promise<{ consumer: string; streams: number; events: number }[]> {
  return db.query<{ consumer: string; streams: number; events: number }>(
    'parked.count',
    `select consumer, count(*) as streams, sum(events)::bigint as events from
       (select consumer, stream, max(group_id) as group_id, count(*) as events from log.dead_letters
         where ${COUNTS} and ($2::text is null or consumer = $2) and ($3::text is null or stream = $3) group by consumer, stream) s
      where $1::text is null or coalesce(group_id, '${FREED}') = $1 group by consumer order by consumer`,
    [group, consumer, stream],
  )
}
