import { OperatorError } from '#platform/operator-error.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { liveOf } from './table.ts'
import type { View } from './view.ts'

/** Why this code must not write to a live view. */
export type Misfit = 'not set up' | 'no table' | 'live is older' | 'live is newer' | 'other columns'

/** This code does not fit a view's live table. The process writes nothing and stands by. */
export class Unfit extends OperatorError {
  readonly view: string
  readonly misfit: Misfit
  constructor(view: View, misfit: Misfit, message: string) {
    super(message)
    this.name = 'Unfit'
    this.view = view.name
    this.misfit = misfit
  }
}

const LIVE = `
  select w.view, v.version, c.columns, c."isReadable"
    from json_to_recordset($1) w(view text, name text)
    left join log.views v using (view)
    left join lateral (
      select json_agg(json_build_array(a.attname, a.atttypid::regtype::text, a.attnotnull and not a.atthasdef)) as columns,
             bool_and(has_schema_privilege(t.relnamespace, 'usage') and has_table_privilege(t.oid, 'select')) as "isReadable"
        from pg_class t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
       where t.relnamespace = to_regnamespace('views') and t.relname = w.name) c on true`

type Column = [name: string, type: string, isRequired: boolean]

/**
 * Compares the live tables of views with what this code writes: first versions, then columns and their types.
 *
 * @returns the views that do not fit, by name, with the reason
 */
export async function unfitOf(db: Queryable, views: readonly View[]): Promise<Map<string, Unfit>> {
  const live = await read(db, views)
  return new Map(
    views.flatMap((view): [string, Unfit][] => {
      const { version, columns } = live.get(view.name)!
      const unfit = compared(view, version, columns)
      return unfit ? [[view.name, unfit]] : []
    }),
  )
}

/**
 * Describes the views that this code cannot read, because their live tables lack its columns or may not be read. Versions do not matter, and
 * additional columns do no harm.
 */
export async function unreadable(db: Queryable, views: readonly View[]): Promise<string[]> {
  const live = await read(db, views)
  return views.flatMap((view) => {
    const { version, columns, isReadable } = live.get(view.name)!
    if (isReadable === false) return [`view ${view.name}: permission denied`]
    if (version !== null && columns.length === 0) return [noTable(view)]
    const missing = missingOf(view, columns)
    const is = version === null ? 'is not set up' : `is live in version ${version}`
    return missing.length > 0
      ? [`view ${view.name} ${is}; this process reads version ${view.version}: ${missing.join(', ')}`]
      : []
  })
}

interface Live {
  version: number | null
  columns: Column[]
  /** Whether our role may read the table; null without a table. */
  isReadable: boolean | null
}

async function read(db: Queryable, views: readonly View[]): Promise<Map<string, Live>> {
  const wanted = JSON.stringify(views.map((view) => ({ view: view.name, name: liveOf(view).name })))
  const rows = await db.query<Omit<Live, 'columns'> & { view: string; columns: string | null }>('views.fit', LIVE, [wanted])
  return new Map(rows.map(({ view, columns, ...live }) => [view, { ...live, columns: columns ? JSON.parse(columns) : [] }]))
}

/** `unfitOf` for one view. */
export const unfit = async (db: Queryable, view: View): Promise<Unfit | undefined> => (await unfitOf(db, [view])).get(view.name)

function compared(view: View, version: number | null, columns: Column[]): Unfit | undefined {
  const { name } = view
  const ours = `this process knows version ${view.version}`
  if (version === null) return new Unfit(view, 'not set up', `view ${name} is not set up; ${ours}`)
  if (version !== view.version)
    return new Unfit(
      view,
      version > view.version ? 'live is newer' : 'live is older',
      `view ${name} is live in version ${version}; ${ours}`,
    )
  if (columns.length === 0) return new Unfit(view, 'no table', noTable(view))
  const wrong = differences(view, columns)
  if (wrong.length === 0) return undefined
  return new Unfit(
    view,
    'other columns',
    `view ${name} is live in version ${version} as in this process, but its table differs: ${wrong.join(', ')}. ` +
      `Its columns were changed without a new version: raise the version, or rebuild the view (npx vidwiz rebuild ${name})`,
  )
}

/** A person dropped the table. */
export const noTable = ({ name }: View) =>
  `the table of view ${name} is gone. Rebuild it: npx vidwiz rebuild ${name}, or restart the projector, which rebuilds missing tables`

function missingOf(view: View, columns: Column[]): string[] {
  const live = new Map(columns.map(([name, type]) => [name, type]))
  return Object.entries(view.columns).flatMap(([name, spec]) => {
    const type = live.get(name)
    if (type === undefined) return [`column ${name} is missing`]
    return type === typeOf(spec) ? [] : [`column ${name} is ${type}, not ${typeOf(spec)}`]
  })
}

function differences(view: View, columns: Column[]): string[] {
  const unknown = columns
    .filter(([name, , isRequired]) => isRequired && !(name in view.columns))
    .map(([name]) => `column ${name} is required and this process does not write it`)
  return [...missingOf(view, columns), ...unknown]
}

/** Names that Postgres itself gives to these types. */
const TYPES: Record<string, string> = { int: 'integer', timestamptz: 'timestamp with time zone' }

/** The type in a column's declaration: `int not null` → `integer`. */
function typeOf(spec: string): string {
  const type = spec.replace(/\s+(not null|null|collate|default|check|references|primary key|unique)\b.*$/i, '').toLowerCase()
  return TYPES[type] ?? type
}
