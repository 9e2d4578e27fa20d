import type { Recorded } from '#events/kit/envelope.ts'
import { arrayParameter } from '#platform/pg/array.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Loaded, Place, Wanted } from '../port.ts'
import { EVENT_COLUMNS } from './rows.ts'

/**
 * One statement, so that head and streams are of one moment. Only the first row of a stream has its state.
 * `offset 0` keeps the planner from computing the head for each row, and from turning the last lateral part into a join that walks
 * the index past all other streams.
 */
const STREAMS = `
  select h.head, w.name, s.version as kept, s.state_version as "stateVersion",
         case when row_number() over (partition by w.name order by e.version) = 1 then s.state end as state,
         case when l.pos is not null then json_build_object('topic', l.topic, 'partition', l.partition, 'pos', l.pos, 'time', l.time) end as "keptAt",
         e.*
    from (select log.head() as head offset 0) h
    left join unnest($1::text[]) w(name) on true
    left join log.snapshots s on s.stream = w.name
    left join log.events l on l.stream = s.stream and l.version = s.version
    left join lateral (
      select ${EVENT_COLUMNS} from log.events where stream = w.name and version > coalesce(s.version, 0) offset 0) e on true
   order by w.name, e.version`
/** SQL for the places of the events that a stored result names, in its order. */
const placesOf = (field: 'events' | 'reads') => `
  (select coalesce(json_agg(json_build_object('topic', e.topic, 'partition', e.partition, 'pos', e.pos) order by c.n), '[]')
     from json_array_elements(k.kept -> '${field}') with ordinality c(one, n)
     join log.events e on e.stream = c.one ->> 'stream' and e.version = (c.one ->> 'version')::int)`
const RESULTS = `
  select k.scope, k.key, k.fingerprint, k.kept, extract(epoch from k.at) * 1000 as at, ${placesOf('events')} as places,
         ${placesOf('reads')} as seen
    from log.idempotency_keys k join unnest($1::text[], $2::text[]) w(scope, key) using (scope, key)`

/** Loads what commands need before they are decided, as far as the process does not remember it. */
export async function load(db: Queryable, wanted: Wanted): Promise<Loaded> {
  const [streams, ids, results] = await Promise.all([
    loadStreams(db, wanted.streams),
    drawIds(db, wanted.ids),
    loadResults(db, wanted.idempotencyKeys),
  ])
  return { ...streams, ids, results }
}

type StreamRow = { head: number; name: string; keptAt: string | null } & (
  | { kept: number; stateVersion: number; state: string | null }
  | { kept: null; stateVersion: null; state: null }
) &
  (Recorded | { pos: null })

async function loadStreams(db: Queryable, names: string[]): Promise<Pick<Loaded, 'head' | 'streams'>> {
  if (names.length === 0) return { head: 0, streams: new Map() }
  const rows = await db.query<StreamRow>('log.streams', STREAMS, [arrayParameter(names)])
  const streams: Loaded['streams'] = new Map()
  for (const row of rows) {
    if (row.kept === null && row.pos === null) continue
    if (!streams.has(row.name)) {
      const kept = row.kept === null ? undefined : { version: row.kept, stateVersion: row.stateVersion, state: row.state! }
      streams.set(row.name, { kept, keptAt: row.keptAt ? JSON.parse(row.keptAt) : undefined, since: [] })
    }
    if (row.pos !== null) streams.get(row.name)!.since.push(eventOf(row))
  }
  return { head: rows[0]!.head, streams }
}

const eventOf = ({ head, name, kept, stateVersion, state, keptAt, ...event }: StreamRow & Recorded): Recorded => event

async function drawIds(db: Queryable, wanted: Wanted['ids']): Promise<Loaded['ids']> {
  const sequences = Object.entries(wanted).filter(([, count]) => count > 0)
  if (sequences.length === 0) return {}
  const rows = await db.query<{ name: string; ids: string }>(
    'log.ids',
    `select s.name, json_agg(nextval(format('log.%I', s.name || '_ids')::regclass)) as ids
       from unnest($1::text[], $2::int[]) s(name, count), generate_series(1, s.count) group by s.name`,
    [sequences.map(([name]) => name), sequences.map(([, count]) => count)],
  )
  return Object.fromEntries(rows.map(({ name, ids }) => [name, JSON.parse(ids)]))
}

async function loadResults(db: Queryable, keys: Wanted['idempotencyKeys']): Promise<Loaded['results']> {
  if (keys.length === 0) return []
  const rows = await db.query<
    Place & { scope: string; key: string; fingerprint: string; kept: string; places: string; seen: string; at: number }
  >('log.results', RESULTS, [keys.map((k) => k.scope), keys.map((k) => k.key)])
  return rows.map(({ scope, key, fingerprint, kept, places, seen, at }) => ({
    scope,
    key,
    fingerprint,
    ...JSON.parse(kept),
    places: JSON.parse(places),
    seen: JSON.parse(seen),
    at: Math.round(at),
  }))
}
