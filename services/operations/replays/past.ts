import { randomBytes } from 'node:crypto'
import { now } from '#platform/clock.ts'
import type { Reader } from '#platform/log/port.ts'
import { positionAt } from '#platform/log/postgres/moment.ts'
import { OperatorError } from '#platform/operator-error.ts'
import type { Db, Queryable } from '#platform/pg/pool.ts'
import type { Comparison, Difference } from '#projections/engine/compare.ts'
import { comparePast, dropPast, foldPast, rowsOfPast } from '#projections/engine/past.ts'
import { liveVersion } from '#projections/engine/versions.ts'
import type { View } from '#projections/engine/view.ts'
import { views } from '#projections/index.ts'
import type { Act } from '../operation.ts'
import type { Ground } from './ground.ts'

/** A view as it was at a position, kept in a table beside the live one. Moments in milliseconds since the epoch. */
export interface PastView {
  id: string
  view: string
  /** Version of the view's code that folded it. */
  version: number
  pos: number
  /** The requested moment; null when a position was requested. */
  at: number | null
  rows: number
  events: number
  by: string
  madeAt: number
  /** Name of the table, for people with a database client. */
  table: string
}

/** Each costs as much space as the view itself, so only this many are kept, for this long. */
export const MOST_PAST_VIEWS = 10
export const KEPT_HOURS = 24

const READ = `id, view, version, pos, (extract(epoch from at) * 1000)::bigint as at, rows, events, made_by as by,
  (extract(epoch from made_at) * 1000)::bigint as "madeAt"`

const withTable = (row: Omit<PastView, 'table'>): PastView => ({
  ...row,
  table: `views."${row.view.replaceAll('-', '_')}~at-${row.id}"`,
})

/**
 * The log position for a requested position or moment.
 * @throws OperatorError when it lies beyond the end of the log, or before the oldest moment known to the database
 */
export async function positionOf(
  db: Queryable,
  { pos, at }: { pos?: number | undefined; at?: number | undefined },
): Promise<number> {
  // With Kafka, events that the relay has copied may be pruned from the database.
  const [log] = await db.query<{ head: number; isPruned: boolean }>(
    'past.head',
    `select greatest(coalesce(max(e.pos), 0), max(r.pos)) as head, max(e.pos) is null and max(r.pos) > 0 as "isPruned"
       from log.relay r left join (select max(pos) as pos from log.events) e on true`,
  )
  if (at !== undefined) {
    if (at > now()) throw new OperatorError(`${new Date(at).toISOString()} lies in the future`)
    if (log!.isPruned)
      throw new OperatorError('all events were pruned from the database, so it cannot find a moment: give a position')
    return positionAt(db, at)
  }
  if (pos! > log!.head) throw new OperatorError(`the log ends at position ${log!.head}`)
  return pos!
}

/** Folds a view as of a position. First drops the views older than KEPT_HOURS, and the oldest if there are too many. */
export async function makePast(
  { view, pos, at, by }: { view: View; pos: number; at?: number | undefined; by: string },
  { db, reader, threads, signal, onProgress, fullSpeed }: Ground,
): Promise<PastView> {
  const live = await liveVersion(db, view)
  if (live === undefined) throw new OperatorError(`there is no view ${view.name} yet: no projector has run here`)
  await assertReadable(db, reader, view, pos)
  await dropOld(db)
  const id = randomBytes(4).toString('hex')
  const { rows, events } = await foldPast(view, {
    db,
    reader,
    threads,
    id,
    pos,
    ...(onProgress && { onProgress }),
    signal,
    fullSpeed,
  })
  try {
    const [row] = await db.query<Omit<PastView, 'table'>>(
      'past.keep',
      `insert into log.past_views (id, view, version, pos, at, rows, events, made_by)
       values ($1, $2, $3, $4, to_timestamp($5::float8 / 1000), $6, $7, $8) returning ${READ}`,
      [id, view.name, view.version, pos, at ?? null, rows, events, by],
    )
    return withTable(row!)
  } catch (error) {
    await dropPast(db, view.name, id)
    throw error
  }
}

/** The newest event of each partition up to a position, of those still in the database. */
const NEWEST = `
  select p.partition, (select max(pos) from log.events e where e.topic = $1 and e.partition = p.partition and e.pos <= $3) as pos
    from generate_series(0, $2::int - 1) p(partition)`

/** @throws OperatorError until the relay has copied everything up to `pos` to Kafka: missing events would be left out silently */
async function assertReadable(db: Db, reader: Reader, { topic }: View, pos: number): Promise<void> {
  const newest = await db.query<{ partition: number; pos: number | null }>('past.newest', NEWEST, [
    topic.name,
    topic.partitions,
    pos,
  ])
  const heads = await reader.heads(topic)
  const behind = newest.some(({ partition, pos }) => pos !== null && pos > (heads.get(partition) ?? 0))
  if (behind)
    throw new OperatorError(
      `Kafka does not have all events up to position ${pos} yet: the relay is behind (npx vidwiz lag); try again in a moment`,
    )
}

async function dropOld(db: Db): Promise<void> {
  const old = await db.query<{ id: string }>(
    'past.old',
    `select id from (select id, made_at, row_number() over (order by made_at desc) as nth from log.past_views) p
      where nth >= $1 or made_at < now() - make_interval(hours => $2)`,
    [MOST_PAST_VIEWS, KEPT_HOURS],
  )
  for (const { id } of old) await dropPastView(db, id)
}

export const pastViews = async (db: Queryable): Promise<PastView[]> =>
  (await db.query<Omit<PastView, 'table'>>('past.all', `select ${READ} from log.past_views order by made_at desc`)).map(withTable)

/** @throws OperatorError that lists all past views, for an unknown one */
export async function pastView(db: Queryable, id: string): Promise<PastView> {
  const all = await pastViews(db)
  const found = all.find((one) => one.id === id)
  if (!found) throw new OperatorError(`there is no past view ${id}; there are ${all.map((one) => one.id).join(', ') || 'none'}`)
  return found
}

/**
 * The view in the code, with the version that was folded.
 * @throws OperatorError when the code has changed since
 */
function viewOf({ id, view: name, version }: PastView): View {
  const view = views.find((one) => one.name === name)
  if (view?.version === version) return view
  throw new OperatorError(
    `${id} was folded by version ${version} of ${name}, and this is ${view ? `version ${view.version}` : 'code without it'}: drop it and fold it again`,
  )
}

/** Rows of a past view, ordered by key. @throws OperatorError for an unknown view or column */
export async function rowsAsOf(
  db: Db,
  id: string,
  query: { where?: Readonly<Record<string, string>>; limit: number; offset?: number },
): Promise<Record<string, unknown>[]> {
  const view = viewOf(await pastView(db, id))
  for (const column of Object.keys(query.where ?? {}))
    if (!Object.hasOwn(view.columns, column))
      throw new OperatorError(`${view.name} has no column ${column}; it has ${Object.keys(view.columns).join(', ')}`)
  return rowsOfPast(db, view, id, query)
}

/** The differences between the past and the live view: `missing` rows are gone since, `extra` ones are new. @throws OperatorError */
export const comparedWithNow = async (
  db: Db,
  id: string,
  options: { limit?: number; onDifferences?(rows: Difference[]): Promise<void> } = {},
): Promise<Comparison> => comparePast(db, viewOf(await pastView(db, id)), id, options)

export const dropAct = ({ view, id }: PastView): Act => ({
  act: 'drop-as-of',
  target: `${view} ${id}`,
  command: `npx vidwiz as-of drop ${id}`,
})

/** Drops a past view, also one of a version that the code no longer has. @throws OperatorError when there is none */
export async function dropPastView(db: Db, id: string): Promise<PastView> {
  const past = await pastView(db, id)
  await dropPast(db, past.view, id)
  await db.query('past.drop', 'delete from log.past_views where id = $1', [id])
  return past
}
