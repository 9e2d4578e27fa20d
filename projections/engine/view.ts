import { type Catalog, catalogOf } from '#events/kit/codec.ts'
import type { EventFrom, EventType, Topic } from '#events/kit/stream.ts'

/** What a view's queries run on. */
export type { Queryable } from '#platform/pg/pool.ts'

/** What `evolve` returns to delete a row. */
export const gone = Symbol('gone')
export type Gone = typeof gone

/** What names a row: its primary key. */
export type Id = string | number

/** Rows hold scalars only; a moment is the text that `Date.toISOString` gives, in a timestamptz column. */
export type RowOf<R> = { [C in keyof R]: string | number | boolean | null }

/** A read model as data: a table and a pure fold. The engine owns transactions, batching and checkpoints. */
// biome-ignore lint/suspicious/noExplicitAny: a view of any rows and events
export interface View<R = any, E = any> {
  /** Also the name of the consumer. */
  name: string
  /** Raise it when columns or evolve change: the view is then rebuilt. */
  version: number
  topic: Topic
  catalog: Catalog
  /** The column that is the primary key. */
  key: string
  /** Type of each column, as SQL has it. */
  columns: Readonly<Record<string, string>>
  /** For example `(user_id, created_at)`. */
  indexes: readonly string[]
  /** Tells which rows a batch changed, for those who watch single rows (see changes.ts). */
  tellsRows: boolean
  /** Types of event that make a row anew, whatever it was before: it need not be read for them. */
  anew: ReadonlySet<string>
  /** The row that an event belongs to. All events of a row carry one key of the topic. */
  id(event: E): Id
  /** The row after the event; `gone` deletes it, undefined leaves it as it was. Pure; what it throws parks the event's stream. */
  evolve(row: R | undefined, event: E): R | Gone | undefined
}

/**
 * Declares a view.
 *
 * @param from the types of event it folds, all of one topic: every type that the topic carries, also those it has no use for
 */
export function view<R extends RowOf<R>, const T extends readonly EventType[]>(
  name: string,
  spec: {
    version: number
    from: T
    key: keyof R & string
    columns: Record<keyof R & string, string>
    indexes?: string[]
    tellsRows?: boolean
    anew?: readonly T[number][]
    id(event: EventFrom<T[number]>): Id
    evolve(row: R | undefined, event: EventFrom<T[number]>): R | Gone | undefined
  },
): View<R, EventFrom<T[number]>> {
  const { from, indexes = [], tellsRows = false, anew = [], ...rest } = spec
  const [topic, ...others] = new Set(from.map((type) => type.topic))
  if (!topic || others.length > 0) throw new Error(`view ${name} must fold the events of exactly one topic`)
  if (!/^[a-z][a-z-]*$/.test(name)) throw new Error(`a view's name has small letters and dashes only: ${name}`)
  return { ...rest, name, topic, catalog: catalogOf(from), indexes, tellsRows, anew: new Set(anew.map(({ type }) => type)) }
}
