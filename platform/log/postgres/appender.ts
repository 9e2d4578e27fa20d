import type { DatabaseError } from 'pg'
import type { Recorded } from '#events/kit/envelope.ts'
import { arrayParameter } from '#platform/pg/array.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Appender, Group, Lost, Snapshot, Verdict } from '../port.ts'
import { throwHalted } from '../timeline.ts'
import { load } from './load.ts'
import { EVENT_COLUMNS } from './rows.ts'

const PARAMETERS = 24
const placeholders = (from: number) => Array.from({ length: PARAMETERS }, (_, i) => `$${from + i}`)

/** What was seen is compared first, so that nothing is appended to a log that lost events. */
const APPEND = `
  select a.head, a.lost from log.saw($${PARAMETERS + 1}) s, lateral log.append(case when s then $1::bigint end, ${placeholders(1).slice(1)}) a`

const HISTORY = `select ${EVENT_COLUMNS} from log.events where stream = $1 order by version`

/** The writing half of the log. */
export function appender(db: Queryable): Appender {
  return {
    load: (wanted) => load(db, wanted),
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
    rare((group) => group.reservations),
    rare((group) => group.credentials),
    rare(({ results }) =>
      results.map(({ result, events, reads, ids, madeBy, ...key }) => ({ ...key, kept: { result, events, reads, ids, madeBy } })),
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

/** A snapshot to store; may have more columns. */
export type SnapshotRow = Snapshot & { stream: string }

/**
 * Snapshots as one JSON array of rows for Postgres; each state is JSON text already. Sorted by stream, so that all statements lock
 * the rows in the same order and cannot deadlock.
 */
export const snapshotRows = (snapshots: readonly SnapshotRow[]): string => {
  const inOrder = snapshots.toSorted((a, b) => (a.stream < b.stream ? -1 : 1))
  return `[${inOrder.map(({ state, ...row }) => `{${JSON.stringify(row).slice(1, -1)},"state":${state}}`)}]`
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
