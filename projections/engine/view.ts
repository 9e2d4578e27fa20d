import { type Catalog, catalogOf } from '#events/kit/codec.ts'
import type { Foldable, RareField } from '#events/kit/envelope.ts'
import type { EventFrom, EventType, Topic } from '#events/kit/stream.ts'

/** The database handle for a view's queries. */
export type { Queryable } from '#platform/pg/pool.ts'

/** Returned by `evolve` to delete the row. */
export const gone = Symbol('gone')
export type Gone = typeof gone

/** A row's primary key. */
export type Id = string | number

/** Rows hold scalars only. A timestamp is text as `Date.toISOString` gives it, in a timestamptz column. */
export type RowOf<R> = { [C in keyof R]: string | number | boolean | null }

/** A read model as data: a table and a pure fold. The engine does transactions, batches and checkpoints. */
// biome-ignore lint/suspicious/noExplicitAny: a view of any rows and events
export interface View<R = any, E = any, N extends string = string> {
  /** Also the name of the view's consumer. */
  name: N
  /** Raise it when columns or `evolve` change: the view is then rebuilt. */
  version: number
  topic: Topic
  catalog: Catalog
  /** The column that is the primary key. */
  key: string
  /** SQL type of each column. */
  columns: Readonly<Record<string, string>>
  /** For example `(user_id, created_at)`. */
  indexes: readonly string[]
  /** Announces which rows a batch changed, for subscribers to single rows (see changes.ts). */
  tellsRows: boolean
  /** Event types whose result does not depend on the row before, so the row need not be read for them. */
  overwrites: ReadonlySet<string>
  /**
   * All events of a row are of one stream. A replay may then read stream after stream, and finish a row where its stream ends. Nothing
   * checks this while it runs: test/projections/per-stream.test.ts does.
   */
  perStream: boolean
  /** The rare fields of events that `id` and `evolve` use. */
  uses: readonly RareField[]
  /** Id of the event's row. All events of a row carry one key of the topic. */
  id(event: E): Id
  /** The row after the event; `gone` deletes it, undefined leaves it unchanged. Pure. An error parks the event's stream. */
  evolve(row: R | undefined, event: E): R | Gone | undefined
}

/**
 * Declares a view.
 *
 * @param from every event type of exactly one topic, including types that the view ignores
 * @throws Error when the event types belong to several topics, or the name has other characters than small letters and dashes
 */
export function view<
  const N extends string,
  R extends RowOf<R>,
  const T extends readonly EventType[],
  const U extends RareField = never,
>(
  name: N,
  spec: {
    version: number
    from: T
    key: keyof R & string
    columns: Record<keyof R & string, string>
    indexes?: string[]
    tellsRows?: boolean
    perStream?: boolean
    overwrites?: readonly T[number][]
    uses?: readonly U[]
    id: (event: Foldable<EventFrom<T[number]>, U>) => Id
    evolve: (row: R | undefined, event: Foldable<EventFrom<T[number]>, U>) => R | Gone | undefined
  },
): View<R, Foldable<EventFrom<T[number]>, U>, N> {
  const { from, indexes = [], tellsRows = false, perStream = false, overwrites = [], uses = [], ...rest } = spec
  const [topic, ...others] = new Set(from.map((type) => type.topic))
  if (!topic || others.length > 0) throw new Error(`view ${name} must fold the events of exactly one topic`)
  if (!/^[a-z][a-z-]*$/.test(name)) throw new Error(`a view's name has small letters and dashes only: ${name}`)
  return {
    ...rest,
    name,
    topic,
    catalog: catalogOf(from),
    indexes,
    tellsRows,
    perStream,
    uses,
    overwrites: new Set(overwrites.map(({ type }) => type)),
  }
}

/** All columns of a view, for queries that read whole rows. Not `*`: a newer version of the view may have more. */
export const columnsOf = ({ columns }: Pick<View, 'columns'>): string => Object.keys(columns).join(', ')
