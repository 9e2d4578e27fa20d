import type { Recorded } from '#events/kit/envelope.ts'
import type { Letter } from '#platform/log/consumers/letters.ts'
import { OperatorError } from '#platform/operator-error.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { fold, type Row, readFor } from '#projections/engine/fold.ts'
import type { Id, View } from '#projections/engine/view.ts'
import { viewOf } from './consumers.ts'
import { lettersBehind, rowIdOf, rowsOf } from './stream.ts'

/** A row of the view that the event affects. */
export interface RowDiffers {
  id: Id
  /** The current row; null when there is none. */
  now: Row | null
  /** The row after the event is skipped and the events behind it are retried. */
  without: Row | null
  /** The row if the event were applied; absent when that cannot be computed because the event still fails. */
  with?: Row | null
  /** Columns in which `with` and `without` differ; when `with` is absent, `now` and `without`. */
  columns: string[]
}

/** The consequences of skipping a failed event. */
export interface SkipPreview {
  consumer: string
  letter: Letter
  /** Whether the rows with the event could be computed: then it can be redriven instead. */
  isComputed: boolean
  rows: RowDiffers[]
  /** Number of events that wait behind it. */
  waiting: number
  /** The same in sentences, without text from payloads. */
  says: string[]
}

/** More than anybody looks at; events beyond it are not folded. */
const MOST_LETTERS = 5_000

/**
 * Computes the consequences of skipping a failed event. Changes nothing.
 * @throws OperatorError when there is no such failed event
 */
export async function whatSkipChanges(db: Queryable, consumer: string, stream: string, pos: number): Promise<SkipPreview> {
  const parked = (await lettersBehind(db, consumer, stream, pos - 1, MOST_LETTERS)).filter(({ state }) => state !== 'skipped')
  const [letter, ...behind] = parked
  if (letter?.pos !== pos || letter.state !== 'failed')
    throw new OperatorError(`no failed event of ${stream} at position ${pos} in ${consumer}`)
  const view = viewOf(consumer)
  const about = { consumer, letter, waiting: behind.length }
  if (view) return { ...about, ...(await ofView(db, view, letter, behind)) }
  return {
    ...about,
    isComputed: false,
    rows: [],
    says: [...(await ofReactor(db, consumer, letter.event)), ...waits(behind.length)],
  }
}

const named = ({ type, stream, version, pos }: Recorded) => `${type} (${stream}@${version}, position ${pos})`

async function ofView(db: Queryable, view: View, { event, error }: Letter, behind: readonly Letter[]) {
  const id = await rowIdOf(db, view, event)
  const readings = [event, ...behind.map(({ event }) => event)].map((recorded) => readFor(view, recorded))
  const ids = new Set<Id>(id === undefined ? [] : [id])
  for (const reading of readings) if (reading.cause === undefined) ids.add(reading.id)
  const rows = new Map((await rowsOf(db, view, [...ids])).map((row) => [row[view.key] as Id, row]))

  const free = () => false
  const without = fold(view, rows, readings.slice(1), free)
  const whole = fold(view, rows, readings, free)
  const isComputed = whole.parked.length === 0
  const after = (changed: ReadonlyMap<Id, Row | undefined>, id: Id) => (changed.has(id) ? changed.get(id) : rows.get(id)) ?? null

  const differing = [...ids].map((id): RowDiffers => {
    const now = rows.get(id) ?? null
    const left = after(without.changed, id)
    if (!isComputed) return { id, now, without: left, columns: columnsThatDiffer(view, now, left) }
    const kept = after(whole.changed, id)
    return { id, now, without: left, with: kept, columns: columnsThatDiffer(view, left, kept) }
  })
  const again = without.parked[0]
  // An error of Postgres may occur again even though the event folds now.
  const isMended = isComputed && !error?.startsWith('Postgres')
  const says = [
    `${view.name} will be without ${named(event)}, also when it is rebuilt or compared with its replay`,
    ...(isComputed ? differing.map((row) => differs(view, row)) : [leftOut(view, event, id)]),
    ...(isMended ? ['the event can be applied now: redrive it instead'] : []),
    ...waits(behind.length),
    ...(again
      ? [`of those, ${named(again.recorded)} fails as well: ${again.error}${again.place ? ` at ${again.place}` : ''}`]
      : []),
  ]
  return { isComputed, rows: differing, says }
}

/** The columns in which two rows differ; all columns if only one row exists. */
const columnsThatDiffer = ({ columns }: View, a: Row | null, b: Row | null): string[] =>
  Object.keys(columns).filter((column) => (a === null && b === null ? false : a?.[column] !== b?.[column]))

const differs = ({ name }: View, { id, without, with: kept, columns }: RowDiffers): string =>
  columns.length === 0
    ? `row ${id} of ${name} comes out the same without it`
    : without === null
      ? `row ${id} of ${name} will not be there, where with the event it would be`
      : kept === null
        ? `row ${id} of ${name} will be there, where with the event it would be gone`
        : `row ${id} of ${name} will differ in ${columns.join(', ')}`

const leftOut = ({ name }: View, { type }: Recorded, id: Id | undefined): string =>
  id === undefined
    ? `which row of ${name} that concerns is not known: the event cannot be read`
    : `row ${id} of ${name} will lack what ${type} does to it; what that would be cannot be computed while the event fails`

const waits = (events: number): string[] =>
  events === 0 ? [] : [`${events === 1 ? '1 event that waits' : `${events} events that wait`} behind it can then be redriven`]

/** Samples the last 20 such events: enough to show what usually follows. */
const LATELY = `
  select distinct f.type from
    (select id, correlation_id from log.events
      where topic = $1 and partition = $2 and pos < $3 and pos > $3 - 20000 and type = $4 order by pos desc limit 20) e
    join log.events f on f.correlation_id = e.correlation_id and f.causation_id = e.id::text and f.actor = $5
  order by 1`

async function ofReactor(db: Queryable, consumer: string, event: Recorded): Promise<string[]> {
  const { topic, partition, pos, type } = event
  const made = await db.query<{ type: string }>('parked.lately', LATELY, [topic, partition, pos, type, consumer])
  const follows = made.map(({ type }) => type).join(', ')
  return [
    `${consumer} will never act on ${named(event)}, and nothing else does its work`,
    follows ? `of such events it lately made ${follows}: none of that will follow` : `of such events it has made no other lately`,
  ]
}
