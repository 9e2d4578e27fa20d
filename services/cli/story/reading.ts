import type { Recorded } from '#events/kit/envelope.ts'
import { EVENT_COLUMNS } from '#platform/log/postgres/rows.ts'
import type { Queryable } from '#platform/pg/pool.ts'

const BY_STREAM = `
  select e.* from unnest($1::text[]) w(name), lateral
    (select ${EVENT_COLUMNS} from log.events where stream = w.name order by version desc limit $2) e`
const BY_TYPE = `
  select ${EVENT_COLUMNS} from log.events where stream = $1 and type = any ($2::text[]) order by version desc limit $3`
// The inner query is done first (`offset 0`): tempted by the limit, the planner would walk all of the log backwards.
const BY_REQUEST = `
  select * from (select ${EVENT_COLUMNS} from log.events where correlation_id = any ($1::text[]) offset 0) e order by pos desc limit $2`
const BY_ID = `select ${EVENT_COLUMNS} from log.events where id = any ($1::uuid[])`

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Finds events in the database, the newest first. */
export interface Reading {
  /** @param limit of each stream */
  ofStreams(streams: readonly string[], limit: number): Promise<Recorded[]>
  ofTypes(stream: string, types: readonly string[], limit: number): Promise<Recorded[]>
  /** By the `X-Request-ID`s that they go back to. */
  ofRequests(ids: readonly string[], limit: number): Promise<Recorded[]>
  /** What is no id of an event finds none. */
  byIds(ids: readonly string[]): Promise<Recorded[]>
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
  }
}
