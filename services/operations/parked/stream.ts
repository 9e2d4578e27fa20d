import { catalog, deciders } from '#events/catalog.ts'
import { decode } from '#events/kit/codec.ts'
import type { Recorded } from '#events/kit/envelope.ts'
import { decidersByKind } from '#events/kit/stream.ts'
import { reason } from '#platform/log/cause.ts'
import type { Letter } from '#platform/log/consumers/letters.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { type Row, readFor } from '#projections/engine/fold.ts'
import { liveOf, loadText } from '#projections/engine/table.ts'
import type { Id, View } from '#projections/engine/view.ts'
import { viewOf } from './consumers.ts'

/** The state that a parked event meets: the view's row, or the state of its stream. */
export type Before =
  | { is: 'row'; view: string; id: Id; row: Row | null }
  | { is: 'state'; version: number; state: unknown }
  | { is: 'unknown'; why: string }

export interface StreamLetters {
  letters: (Letter & { pattern: string | null })[]
  /** The state that the first letter meets that is not skipped; null when there is none. */
  before: Before | null
  /** Position after which the next page begins; null on the last page. */
  next: number | null
}

/** The letters (parked and skipped events) of a stream, in order, by pages. */
export async function lettersOfStream(
  db: Queryable,
  { consumer, stream, after = 0, limit = 50 }: { consumer: string; stream: string; after?: number; limit?: number },
): Promise<StreamLetters> {
  const letters = await lettersBehind(db, consumer, stream, after, limit)
  const first = letters.find(({ state }) => state !== 'skipped')
  return {
    letters,
    before: first ? await before(db, consumer, first.event) : null,
    next: letters.length === limit ? letters.at(-1)!.pos : null,
  }
}

export async function lettersBehind(db: Queryable, consumer: string, stream: string, after: number, limit: number) {
  const rows = await db.query<Omit<StreamLetters['letters'][number], 'event'> & { event: string }>(
    'parked.letters',
    `select consumer, topic, partition, stream, pos, state, cause, error, place, pattern, at, redriven, event from log.dead_letters
      where consumer = $1 and stream = $2 and pos > $3 order by pos limit $4`,
    [consumer, stream, after, limit],
  )
  return rows.map((row) => ({ ...row, event: JSON.parse(row.event) as Recorded }))
}

/** The state that an event meets in its consumer. An unreadable event or stream gives `unknown`, not an error. */
async function before(db: Queryable, consumer: string, event: Recorded): Promise<Before> {
  const view = viewOf(consumer)
  if (!view) return stateBefore(db, event)
  const id = await rowIdOf(db, view, event)
  if (id === undefined) return { is: 'unknown', why: 'the event cannot be read, so nobody can tell which row it belongs to' }
  const [row] = await rowsOf(db, view, [id])
  return { is: 'row', view: view.name, id, row: row ?? null }
}

/** The live rows of a view with these ids. */
export const rowsOf = (db: Queryable, view: View, ids: readonly Id[]): Promise<Row[]> =>
  ids.length === 0 ? Promise.resolve([]) : db.query<Row>(`load ${liveOf(view).name}`, loadText(liveOf(view)), [ids])

/**
 * The id of the row that an event affects. For an unreadable event: the row of the closest readable event before it in its stream.
 * @returns undefined when there is none
 */
export async function rowIdOf(db: Queryable, view: View, event: Recorded): Promise<Id | undefined> {
  const reading = readFor(view, event)
  if (reading.cause === undefined) return reading.id
  for (const earlier of (await historyBefore(db, event)).reverse()) {
    const reading = readFor(view, earlier)
    if (reading.cause === undefined) return reading.id
  }
  return undefined
}

const historyBefore = async (db: Queryable, { stream, version }: Recorded): Promise<Recorded[]> =>
  (await appender(db).stream(stream)).filter((event) => event.version < version)

const deciderOf = decidersByKind(deciders)

async function stateBefore(db: Queryable, event: Recorded): Promise<Before> {
  const decider = deciderOf(event.stream)
  if (!decider) return { is: 'unknown', why: `nobody knows streams such as ${event.stream}` }
  const history = await historyBefore(db, event)
  if (history.length !== event.version - 1) return { is: 'unknown', why: 'events before it were pruned' }
  try {
    const state = history.reduce<unknown>((state, one) => decider.evolve(state, decode(catalog, one)), undefined)
    return { is: 'state', version: history.length, state: state ?? null }
  } catch (error) {
    return { is: 'unknown', why: `the events before it cannot be folded: ${reason(error)}` }
  }
}
