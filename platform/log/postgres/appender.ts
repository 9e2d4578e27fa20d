import type { DatabaseError } from 'pg'
import type { Recorded } from '#events/kit/envelope.ts'
import { arrayParameter } from '#platform/pg/array.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Appender, Group, Loaded, Lost, Place, Snapshot, Verdict, Wanted } from '../port.ts'
import { throwHalted } from '../timeline.ts'
import { EVENT_COLUMNS } from './rows.ts'
import { snapshotRows } from './snapshots.ts'

const PARAMETERS = 24
const placeholders = (from: number) => Array.from({ length: PARAMETERS }, (_, i) => `$${from + i}`)

/** What was seen is compared first, so that nothing is appended to a log that lost events. */
const APPEND = `
  select a.head, a.lost from log.saw($${PARAMETERS + 1}) s, lateral log.append(case when s then $1::bigint end, ${placeholders(1).slice(1)}) a`

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
const KEYS = `
  select k.scope, k.key, k.fingerprint, k.kept, extract(epoch from k.at) * 1000 as at, ${placesOf('events')} as places,
         ${placesOf('reads')} as seen
    from log.keys k join unnest($1::text[], $2::text[]) w(scope, key) using (scope, key)`
const HISTORY = `select ${EVENT_COLUMNS} from log.events where stream = $1 order by version`

/** The writing half of the log. */
export function appender(db: Queryable): Appender {
  return {
    async load(wanted) {
      const [streams, ids, keys] = await Promise.all([
        loadStreams(db, wanted.streams),
        drawIds(db, wanted.ids),
        loadKeys(db, wanted.keys),
      ])
      return { ...streams, ids, keys }
    },
    async append(groups, known, seen = 0) {
      const [answer] = await db
        .query<{ head: number; lost: string | null }>('log.append', APPEND, [...parameters(groups, known), seen])
        .catch((error) => throwHalted(db, error))
      return verdicts(groups, answer!.head, answer!.lost ? JSON.parse(answer!.lost) : [])
    },
    stream: (stream) => db.query<Recorded>('log.stream', HISTORY, [stream]),
  }
}

/** SQL that runs in one statement with an append. */
export interface ExtraSql {
  /** Part of the prepared statement's name; unique for the text. */
  name: string
  /** Common table expressions. The last one, `extra`, returns one row with `done` true, or no row when nothing is to be appended. */
  text: string
  values: readonly unknown[]
}

/**
 * Appends all groups and does `extra`, or does neither. One statement, so that a process that freezes between two statements
 * cannot hold the lock on the log and block other writers.
 *
 * @param known as in `Appender.append`
 * @returns a verdict for each group; if any lost, nothing was written. Undefined when `extra` returned no row
 */
export async function appendWith(
  db: Queryable,
  groups: readonly Group[],
  extra: ExtraSql,
  known?: number,
): Promise<Verdict[] | undefined> {
  const { name, text, values } = extra
  const rows = await db
    .query<{ head: number }>(`log.append ${name}`, appendWithText(text, values.length), [...values, ...parameters(groups, known)])
    .catch((error: DatabaseError) => {
      return error.code === 'LOST0' ? error.detail! : throwHalted(db, error)
    })
  if (typeof rows === 'string') return verdicts(groups, 0, JSON.parse(rows))
  return rows[0] && verdicts(groups, rows[0].head, [])
}

/** The first argument depends on `extra`, so Postgres runs `extra` first and takes the log's lock last. */
function appendWithText(text: string, values: number): string {
  const [first, ...others] = placeholders(values + 1)
  return `with ${text}
    select a.head, log.all_or_nothing(a.lost)
      from extra, lateral log.append(case when extra.done then ${first}::bigint end, ${others}) a`
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

async function loadKeys(db: Queryable, keys: Wanted['keys']): Promise<Loaded['keys']> {
  if (keys.length === 0) return []
  const rows = await db.query<
    Place & { scope: string; key: string; fingerprint: string; kept: string; places: string; seen: string; at: number }
  >('log.keys', KEYS, [keys.map((k) => k.scope), keys.map((k) => k.key)])
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

type Value = string | number | null

/** No log is at this position, not even an empty one. */
const NEVER = -1

/** Turns rows into one array per column, the form in which Postgres takes in many rows fastest. */
function parameters(groups: readonly Group[], known = NEVER): unknown[] {
  const streams = groups.flatMap(({ streams }, g) => streams.map((s) => ({ g, ...s })))
  const events = groups.flatMap(({ events }, g) => events.map((e) => ({ g, e })))
  const ofStream = (pick: (row: (typeof streams)[number]) => Value) => arrayParameter(streams.map(pick))
  const ofEvent = (pick: (row: (typeof events)[number]) => Value) => arrayParameter(events.map(pick))
  const rare = <T>(pick: (group: Group) => T[]) =>
    JSON.stringify(groups.flatMap((group, g) => pick(group).map((row) => ({ g, ...row }))))
  return [
    known,
    ofStream((s) => s.g),
    ofStream((s) => s.stream),
    ofStream((s) => s.expected),
    ofEvent(({ g }) => g),
    ofEvent(({ e }) => e.topic),
    ofEvent(({ e }) => e.partition),
    ofEvent(({ e }) => e.key),
    ofEvent(({ e }) => e.stream),
    ofEvent(({ e }) => e.version),
    ofEvent(({ e }) => e.id),
    ofEvent(({ e }) => e.type),
    ofEvent(({ e }) => e.schema),
    ofEvent(({ e }) => e.time),
    ofEvent(({ e }) => e.actor),
    ofEvent(({ e }) => e.correlationId),
    ofEvent(({ e }) => e.causationId),
    ofEvent(({ e }) => e.traceparent),
    `[${events.map(({ e }) => e.data)}]`,
    snapshotRows(streams.flatMap(({ g, stream, next }) => (next?.unkept === 0 ? [snapshot(g, stream, next)] : []))),
    rare((group) => group.claims),
    rare((group) => group.credentials),
    rare(({ keys }) =>
      keys.map(({ result, events, reads, ids, madeBy, ...key }) => ({ ...key, kept: { result, events, reads, ids, madeBy } })),
    ),
    rare(({ counts }) => counts.map(({ name, add, bound, until }) => ({ name, add, most: bound?.most ?? null, until }))),
  ]
}

const snapshot = (g: number, stream: string, { version, stateVersion, state }: Snapshot) => ({
  g,
  stream,
  version,
  stateVersion,
  state,
})

type Broken = [group: number, reason: 'stale' | 'taken' | 'used' | 'over', a: string, b: string]

function verdicts(groups: readonly Group[], head: number, broken: Broken[]): Verdict[] {
  const lost = new Map<number, Lost>()
  for (const [g, reason, a, b] of broken) {
    if (!lost.has(g)) lost.set(g, { stale: [], taken: [], usedKeys: [], over: [] })
    const why = lost.get(g)!
    if (reason === 'stale') why.stale.push(a)
    else if (reason === 'taken') why.taken.push({ kind: a, value: b })
    else if (reason === 'used') why.usedKeys.push({ scope: a, key: b })
    else why.over.push(a)
  }
  let pos = head
  return groups.map(({ events }, g) => {
    const why = lost.get(g)
    return why ? { lost: why } : { positions: events.map(() => ++pos) }
  })
}
