import type { DatabaseError } from 'pg'
import type { Recorded } from '#events/kit/envelope.ts'
import { arrayParameter } from '#platform/pg/array.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Appender, Group, Loaded, Lost, Place, Verdict, Wanted } from '../port.ts'
import { EVENT_COLUMNS } from './rows.ts'

const PARAMETERS = 25
const placeholders = (from: number) => Array.from({ length: PARAMETERS }, (_, i) => `$${from + i}`)

const APPEND = `select head, lost from log.append(${placeholders(1)})`

const STREAMS = `
  select s.stream, s.version, s.state_version, s.state, e.topic, e.partition, e.pos
    from log.streams s left join log.events e on e.stream = s.stream and e.version = s.version
   where s.stream = any ($1)`
const KEYS = `
  select k.scope, k.key, k.fingerprint, k.kept,
         (select coalesce(json_agg(json_build_object('topic', e.topic, 'partition', e.partition, 'pos', e.pos)), '[]')
            from json_to_recordset(k.kept -> 'events') c(stream text, version int)
            join log.events e on e.stream = c.stream and e.version = c.version) as places
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
      return { streams, ids, keys }
    },
    async append(groups) {
      const [answer] = await db.query<{ head: number; lost: string | null }>('log.append', APPEND, parameters(groups))
      return verdicts(groups, answer!.head, answer!.lost ? JSON.parse(answer!.lost) : [])
    },
    stream: (stream) => db.query<Recorded>('log.stream', HISTORY, [stream]),
  }
}

/** What is written in one statement with an append. */
export interface Beside {
  /** Of the prepared statement, unique for its text. */
  name: string
  /** Common table expressions; the last one, called `beside`, gives one row with `done` true, or none when there is nothing to go on with. */
  text: string
  values: readonly unknown[]
}

/**
 * Appends all groups, together with something else, or nothing of either: in one statement, so that nobody who stops in the
 * middle of it holds up other writers by the lock on the log.
 *
 * @returns a verdict for each group, where any that lost means that nothing was written; undefined when `beside` gave no row
 */
export async function appendBeside(db: Queryable, groups: readonly Group[], beside: Beside): Promise<Verdict[] | undefined> {
  const { name, text, values } = beside
  const rows = await db
    .query<{ head: number }>(`log.append ${name}`, appendBesideText(text, values.length), [...values, ...parameters(groups)])
    .catch((error: DatabaseError) => {
      if (error.code === 'LOST0') return error.detail!
      throw error
    })
  if (typeof rows === 'string') return verdicts(groups, 0, JSON.parse(rows))
  return rows[0] && verdicts(groups, rows[0].head, [])
}

/** The first argument depends on what is beside, so that this is done first, and the lock is taken last. */
function appendBesideText(text: string, values: number): string {
  const [first, ...others] = placeholders(values + 1)
  return `with ${text}
    select a.head, log.all_or_nothing(a.lost)
      from beside, lateral log.append(case when beside.done then ${first}::int[] end, ${others}) a`
}

type Nullable<T> = { [K in keyof T]: T[K] | null }

async function loadStreams(db: Queryable, streams: string[]): Promise<Loaded['streams']> {
  if (streams.length === 0) return new Map()
  const rows = await db.query<Nullable<Place> & { stream: string; version: number; state_version: number; state: string }>(
    'log.streams',
    STREAMS,
    [streams],
  )
  return new Map(
    rows.map(({ stream, version, state_version: stateVersion, state, ...place }) => [
      stream,
      { version, stateVersion, state, last: place.pos === null ? undefined : (place as Place) },
    ]),
  )
}

async function drawIds(db: Queryable, wanted: Wanted['ids']): Promise<Loaded['ids']> {
  const sequences = Object.entries(wanted).filter(([, count]) => count > 0)
  if (sequences.length === 0) return {}
  const rows = await db.query<{ name: string; ids: string }>(
    'log.ids',
    `select s.name, json_agg(nextval(('log.' || s.name || '_ids')::regclass)) as ids
       from unnest($1::text[], $2::int[]) s(name, count), generate_series(1, s.count) group by s.name`,
    [sequences.map(([name]) => name), sequences.map(([, count]) => count)],
  )
  return Object.fromEntries(rows.map(({ name, ids }) => [name, JSON.parse(ids)]))
}

async function loadKeys(db: Queryable, keys: Wanted['keys']): Promise<Loaded['keys']> {
  if (keys.length === 0) return []
  const rows = await db.query<Place & { scope: string; key: string; fingerprint: string; kept: string; places: string }>(
    'log.keys',
    KEYS,
    [keys.map((k) => k.scope), keys.map((k) => k.key)],
  )
  return rows.map(({ scope, key, fingerprint, kept, places }) => ({
    scope,
    key,
    fingerprint,
    ...JSON.parse(kept),
    places: JSON.parse(places),
  }))
}

type Value = string | number | null

/** Turns rows into one array per column, the fastest form in which Postgres takes in many rows. */
function parameters(groups: readonly Group[]): unknown[] {
  const streams = groups.flatMap(({ streams }, g) => streams.map((s) => ({ g, ...s })))
  const events = groups.flatMap(({ events }, g) => events.map((e) => ({ g, e })))
  const ofStream = (pick: (row: (typeof streams)[number]) => Value) => arrayParameter(streams.map(pick))
  const ofEvent = (pick: (row: (typeof events)[number]) => Value) => arrayParameter(events.map(pick))
  const rare = <T>(pick: (group: Group) => T[]) =>
    JSON.stringify(groups.flatMap((group, g) => pick(group).map((row) => ({ g, ...row }))))
  return [
    ofStream((s) => s.g),
    ofStream((s) => s.stream),
    ofStream((s) => s.expected),
    ofStream((s) => s.next?.version ?? null),
    ofStream((s) => s.next?.stateVersion ?? null),
    `[${streams.map((s) => s.next?.state ?? 'null')}]`,
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
    rare((group) => group.claims),
    rare((group) => group.credentials),
    rare(({ keys }) => keys.map(({ result, events, ...key }) => ({ ...key, kept: { result, events } }))),
    rare(({ counts }) => counts.map(({ name, add, bound, until }) => ({ name, add, most: bound?.most ?? null, until }))),
  ]
}

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
