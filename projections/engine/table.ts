import { insertLetters } from '#platform/log/consumers/parked.ts'
import type { View } from './view.ts'

/** The table and consumer that a fold writes to: those of the live view, of a rebuild in progress, or of a past state. */
export interface Target {
  view: View
  /** The consumer that owns the checkpoints and parked events of the table. */
  consumer: string
  /** With schema, quoted. */
  table: string
  /** Without schema, unquoted. */
  name: string
}

const target = (view: View, suffix: string): Target => {
  const name = view.name.replaceAll('-', '_') + suffix
  return { view, consumer: view.name + suffix, table: `views."${name}"`, name }
}

/** The table that queries read. */
export const liveOf = (view: View) => target(view, '')
/** The table that a rebuild fills before it is swapped in. */
export const nextOf = (view: View) => target(view, '~next')

/** The table of a past state. */
export const pastOf = (view: View, id: string) => target(view, `~at-${id}`)

/** Columns and types. Indexes are made after the bulk load, which is cheaper. */
export const columnDefinitions = ({ columns }: View) =>
  Object.entries(columns)
    .map(([column, type]) => `${column} ${type}`)
    .join(', ')

/** Names of a table's primary key and indexes. A renamed table keeps them, so the swap renames them too. */
export const indexNames = ({ view, name }: Target) => [`${name}_pkey`, ...view.indexes.map((_, i) => `${name}_${i + 1}`)]

/**
 * Statements that create the primary key and indexes of a loaded table, in a transaction.
 * @param leaveCores build each index in one process. With Postgres's parallel workers it takes all cores, and requests wait for 100 ms and more
 */
export function indexing({ view, table, name }: Target, leaveCores: boolean): string[] {
  const [pkey, ...names] = indexNames({ view, table, name, consumer: '' })
  return [
    ...(leaveCores ? ['set local max_parallel_maintenance_workers = 0'] : []),
    `alter table ${table} add constraint "${pkey}" primary key (${view.key})`,
    ...view.indexes.map((columns, i) => `create index "${names[i]}" on ${table} ${columns}`),
    `analyze ${table}`,
  ]
}

const names = ({ columns }: View) => Object.keys(columns).join(', ')

/** A timestamp is read in the form it was written in, so that a row folds the same whether it was just made or read again. */
const asWritten = ([column, type]: [string, string]) =>
  type.startsWith('timestamptz') ? `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${column}` : column

/** Query for rows by id. `$1` ids. */
export const loadText = ({ view, table }: Target) =>
  `select ${Object.entries(view.columns).map(asWritten).join(', ')} from ${table} where ${view.key} = any ($1)`

/**
 * Moves the checkpoints, writes and deletes rows and inserts parked events, in one statement and so in one transaction
 * and round trip. `$1` consumer, `$2` topic, `$3` moves, `$4` rows, `$5` ids of deleted rows, `$6` parked events, `$7`
 * ids of changed rows to announce.
 *
 * `log.advance` runs first, so that a fenced process writes no row: the other parts are not referenced, so Postgres runs
 * them when the main query is done.
 */
export function writeText({ view, table }: Target): string {
  const others = Object.keys(view.columns).filter((column) => column !== view.key)
  const change = others.length ? `update set ${others.map((column) => `${column} = excluded.${column}`).join(', ')}` : 'nothing'
  return `
    with put as (
      insert into ${table} (${names(view)}) select ${names(view)} from json_populate_recordset(null::${table}, $4)
      on conflict (${view.key}) do ${change}),
    gone as (delete from ${table} where ${view.key} = any ($5)),
    parked as (${insertLetters('$6')})
    select log.advance($1, $2, $3, $7)`
}

/** The COPY statement for lines from `copyLine`. */
export const copyText = (view: View, table: string) => `copy ${table} (${names(view)}) from stdin`

const escaped: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const ESCAPED = /[\\\n\r\t]/
/** Values of these types never hold a character that COPY escapes. */
const PLAIN = /^(bigint|int|boolean|timestamptz)( not null)?$/

const plain = (value: unknown) => value ?? '\\N'
const text = (value: unknown) => {
  if (typeof value !== 'string' || !ESCAPED.test(value)) return value ?? '\\N'
  return value.replace(/[\\\n\r\t]/g, (c) => escaped[c]!)
}

/** Returns a function that turns a row into a line of COPY's text format. */
export function copyLine({ columns }: View): (row: Record<string, unknown>) => string {
  const [first, ...others] = Object.entries(columns).map(([column, type]) => ({ column, field: PLAIN.test(type) ? plain : text }))
  return (row) => {
    let line = `${first!.field(row[first!.column])}`
    for (const { column, field } of others) line += `\t${field(row[column])}`
    return `${line}\n`
  }
}
