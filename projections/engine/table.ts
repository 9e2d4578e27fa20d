import { insertLetters } from '#platform/log/parked.ts'
import type { View } from './view.ts'

/** Where a view is kept: the live table, or the next one while it is being built. */
export interface Target {
  view: View
  /** Whose checkpoints and dead letters go with the table. */
  consumer: string
  /** Qualified and quoted. */
  table: string
  /** Without schema and quotes. */
  name: string
}

const target = (view: View, suffix: string): Target => {
  const name = view.name.replaceAll('-', '_') + suffix
  return { view, consumer: view.name + suffix, table: `views."${name}"`, name }
}

/** The table that queries read. */
export const liveOf = (view: View) => target(view, '')
/** The table that a rebuild fills, to be swapped in. */
export const nextOf = (view: View) => target(view, '~next')

/** Columns and types, without any index: those are cheaper after a bulk load. */
export const columnsOf = ({ columns }: View) =>
  Object.entries(columns)
    .map(([column, type]) => `${column} ${type}`)
    .join(', ')

/** Names of the primary key and the indexes of a table; they follow it when it is renamed. */
export const indexNames = ({ view, name }: Target) => [`${name}_pkey`, ...view.indexes.map((_, i) => `${name}_${i + 1}`)]

/** Statements that give a loaded table its primary key and indexes. */
export function indexing({ view, table, name }: Target): string[] {
  const [pkey, ...names] = indexNames({ view, table, name, consumer: '' })
  return [
    `alter table ${table} add constraint "${pkey}" primary key (${view.key})`,
    ...view.indexes.map((columns, i) => `create index "${names[i]}" on ${table} ${columns}`),
    `analyze ${table}`,
  ]
}

const names = ({ columns }: View) => Object.keys(columns).join(', ')

/** A moment comes back as it went in, so that a row folds the same whether it was just made or read again. */
const asWritten = ([column, type]: [string, string]) =>
  type.startsWith('timestamptz') ? `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${column}` : column

/** `$1` ids → their rows. */
export const loadText = ({ view, table }: Target) =>
  `select ${Object.entries(view.columns).map(asWritten).join(', ')} from ${table} where ${view.key} = any ($1)`

/**
 * One statement, one transaction, one round trip: moves the checkpoints, writes and deletes rows, records dead letters.
 * `$1` consumer, `$2` topic, `$3` moves, `$4` rows, `$5` ids of rows gone, `$6` dead letters, `$7` ids of changed rows to tell.
 *
 * `log.advance` runs first (the others are not referenced, so they run when the main query is done): who is fenced touches no row.
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

/** The statement that `copyLine` feeds. */
export const copyText = (view: View, table: string) => `copy ${table} (${names(view)}) from stdin`

const escaped: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const field = (value: unknown) =>
  value === null || value === undefined
    ? '\\N'
    : typeof value === 'string'
      ? value.replace(/[\\\n\r\t]/g, (c) => escaped[c]!)
      : value

/** Makes rows into lines of COPY's text format. */
export function copyLine(view: View): (row: Record<string, unknown>) => string {
  const columns = Object.keys(view.columns)
  return (row) => `${columns.map((column) => field(row[column])).join('\t')}\n`
}
