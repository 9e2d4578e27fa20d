import type { Recorded } from '#events/kit/envelope.ts'
import { EVENT_COLUMNS } from '#platform/log/postgres/rows.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { UUID } from '../uuid.ts'

const BY_STREAM = `
  select e.* from unnest($1::text[]) w(name), lateral
    (select ${EVENT_COLUMNS} from log.events where stream = w.name order by version desc limit $2) e`
const BY_TYPE = `
  select ${EVENT_COLUMNS} from log.events where stream = $1 and type = any ($2::text[]) order by version desc limit $3`
// `offset 0` forces the inner query to run first: because of the limit, the planner would scan the whole log backwards.
const BY_REQUEST = `
  select * from (select ${EVENT_COLUMNS} from log.events where correlation_id = any ($1::text[]) offset 0) e order by pos desc limit $2`
const BY_ID = `select ${EVENT_COLUMNS} from log.events where id = any ($1::uuid[])`

// Trace ids have an index like that of requests. The index of message ids holds few events, so it needs no such trick.
const BY_TRACE = `
  select * from (select ${EVENT_COLUMNS} from log.events where substr(traceparent, 4, 32) = $1 offset 0) e order by pos desc limit $2`
const BY_MESSAGE = `
  select ${EVENT_COLUMNS} from log.events
   where type in ('JobDispatched', 'MediaProcessingDispatched') and data ->> 'messageId' = $1 order by pos desc limit $2`

/** Finds events in the database, newest first. */
export interface Reading {
  /** @param limit of each stream */
  ofStreams(streams: readonly string[], limit: number): Promise<Recorded[]>
  ofTypes(stream: string, types: readonly string[], limit: number): Promise<Recorded[]>
  /** By the `X-Request-ID`s of the requests that led to them. */
  ofRequests(ids: readonly string[], limit: number): Promise<Recorded[]>
  /** Ignores ids that are not event ids. */
  byIds(ids: readonly string[]): Promise<Recorded[]>
  /** By the 32 hexadecimal digits of a trace. */
  ofTrace(id: string, limit: number): Promise<Recorded[]>
  /** Events that record that a job went into a queue as this message. */
  ofMessage(id: string, limit: number): Promise<Recorded[]>
}

export const readingOf = (db: Queryable): Reading => {
  const query = (name: string, text: string, [first, ...others]: [readonly string[] | string, ...unknown[]]) =>
    first.length === 0 ? Promise.resolve([]) : db.query<Recorded>(name, text, [first, ...others])
  return {
    ofStreams: async (streams, limit) =>
      (await query('story.byStream', BY_STREAM, [streams, limit])).sort((a, b) => b.pos - a.pos),
    ofTypes: (stream, types, limit) => query('story.byType', BY_TYPE, [stream, types, limit]),
    ofRequests: (ids, limit) => query('story.byRequest', BY_REQUEST, [ids, limit]),
    byIds: (ids) => query('story.byId', BY_ID, [ids.filter((id) => UUID.test(id))]),
    ofTrace: (id, limit) => query('story.byTrace', BY_TRACE, [id, limit]),
    ofMessage: (id, limit) => query('story.byMessage', BY_MESSAGE, [id, limit]),
  }
}
