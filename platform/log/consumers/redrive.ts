import type { Recorded } from '#events/kit/envelope.ts'
import type { Db, Queryable } from '#platform/pg/pool.ts'
import { type Cause, causeOf } from '../cause.ts'
import type { ExtraSql } from '../postgres/appender.ts'
import { fenceOwner } from './letters.ts'

// There are two ways to try parked events again. A view's events can be applied by any process, many in one transaction, while the
// owner is fenced. The events of a reactor or bridge can only be tried by the process that runs it, one by one: each is an append.

// By any process ---------------------------------------------------------------

/** A parked event that was taken to be tried again. */
export interface Taken {
  pos: number
  /** In JSON. */
  event: string
  /** When it was parked first. */
  at: string
  redriven: number
}

/** Takes the parked events of some streams, in order, and fences their owner. Undefined: none of the streams is parked. */
export async function takeParked(at: Queryable, consumer: string, streams: readonly string[]): Promise<Taken[] | undefined> {
  if (!(await fenceOwner(at, consumer, streams))) return undefined
  return at.query<Taken>(
    'letters.take',
    `with taken as (
       delete from log.dead_letters where consumer = $1 and stream = any ($2) and state <> 'skipped' returning pos, event, at, redriven)
     select pos, event, at, redriven from taken order by pos`,
    [consumer, streams],
  )
}

/**
 * Gives events that were parked again the time of their first failure and their count of redrives back.
 * @param isRedrive whether this time counts
 */
export const restoreParked = (at: Queryable, consumer: string, taken: readonly Taken[], isRedrive: boolean) =>
  at.query(
    'letters.restore',
    `update log.dead_letters l set at = t.at, redriven = t.redriven + $3
       from json_to_recordset($2) t(pos bigint, at timestamptz, redriven int) where l.consumer = $1 and l.pos = t.pos`,
    [consumer, JSON.stringify(taken.map(({ pos, at, redriven }) => ({ pos, at, redriven }))), isRedrive ? 1 : 0],
  )

// By the owner -------------------------------------------------------------------

/** The channel on which consumers hear that parked events of theirs are due, that is, to be tried again. */
export const REDRIVE = 'redrive'

/**
 * Asks the owner of a consumer to try the parked events of some streams again, each stream in order.
 * @returns the number of these events
 */
export function askToRedrive(db: Db, consumer: string, ...streams: string[]): Promise<number> {
  return db.tx(async (tx) => {
    const { rowCount } = await tx.query(
      `update log.dead_letters set state = 'due', redriven = redriven + 1
        where consumer = $1 and stream = any ($2) and state in ('failed', 'waiting')`,
      [consumer, streams],
    )
    await tx.query('select pg_notify($1, $2)', [REDRIVE, consumer])
    return rowCount ?? 0
  })
}

/** Counts parked events of streams: those due to be tried again, and those that have failed or wait behind one that did. */
export async function parkedOf(db: Queryable, consumer: string, ...streams: string[]): Promise<{ due: number; parked: number }> {
  const [count] = await db.query<{ due: number; parked: number }>(
    'letters.count',
    `select count(*) filter (where state = 'due') as due, count(*) filter (where state in ('failed', 'waiting')) as parked
       from log.dead_letters where consumer = $1 and stream = any ($2)`,
    [consumer, streams],
  )
  return count!
}

interface Where {
  consumer: string
  topic: string
  partitions: number[]
}

interface Due {
  pos: number
  stream: string
  event: string
}

/** Removes one parked event. Returns no row if another owner was first; nothing is done then. */
const TAKE = `
  extra as (
    delete from log.dead_letters where consumer = $1 and pos = $2::bigint and state in ('due', 'waiting') returning true as done)`

/** Whether a consumer has parked events that are due. */
export async function hasDue(db: Queryable, consumer: string): Promise<boolean> {
  const due = await db.query('letters.hasDue', `select from log.dead_letters where consumer = $1 and state = 'due' limit 1`, [
    consumer,
  ])
  return due.length > 0
}

/** Events that were parked behind due ones since the redrive was asked for become due as well. */
const ALL_DUE = `
  update log.dead_letters l set state = 'due'
   where consumer = $1 and topic = $2 and partition = any ($3::int[]) and state = 'waiting'
     and exists (select from log.dead_letters d where d.consumer = $1 and d.stream = l.stream and d.state = 'due')`

/** In portions, so that memory does not grow with the number of parked events. */
const DUE = `
  select pos, stream, event from log.dead_letters
   where consumer = $1 and topic = $2 and partition = any ($3::int[]) and pos > $4 and state = 'due' order by pos limit 500`

/**
 * Tries all due events in order, with those parked behind them since. A stream in which one fails stays parked from there on.
 *
 * @param apply does what the event causes, with `extra` in the same statement
 * @param isFault whether an error of `apply` is the event's own, so that it stays parked; other errors are thrown
 * @returns whether there were any
 */
export async function redriveDue(
  db: Queryable,
  { consumer, topic, partitions }: Where,
  { apply, isFault }: { apply(recorded: Recorded, extra: ExtraSql): Promise<unknown>; isFault(error: unknown): boolean },
): Promise<boolean> {
  if (!(await hasDue(db, consumer))) return false
  await db.query('letters.allDue', ALL_DUE, [consumer, topic, partitions])
  const failed = new Set<string>()
  const portion = (after: number) => db.query<Due>('letters.due', DUE, [consumer, topic, partitions, after])
  let any = false
  for (let due = await portion(0); due.length > 0; due = await portion(due.at(-1)!.pos)) {
    any = true
    for (const letter of due) {
      if (failed.has(letter.stream)) continue
      const recorded: Recorded = JSON.parse(letter.event)
      try {
        await apply(recorded, { name: 'letters.takeOne', text: TAKE, values: [consumer, letter.pos] })
      } catch (error) {
        if (!isFault(error)) throw error
        failed.add(letter.stream)
        await fail(db, consumer, letter, causeOf(error, recorded.data))
      }
    }
  }
  return any
}

/** Parks the event again with its new cause; the events behind it wait again. */
const fail = (db: Queryable, consumer: string, { stream, pos }: Due, { message, error, place, pattern }: Cause) =>
  db.query(
    'letters.fail',
    `update log.dead_letters
        set state = case when pos = $3 then 'failed' else 'waiting' end, cause = case when pos = $3 then $4 end,
            error = case when pos = $3 then $5 end, place = case when pos = $3 then $6 end, pattern = case when pos = $3 then $7 end
      where consumer = $1 and stream = $2 and pos >= $3 and state in ('due', 'waiting')`,
    [consumer, stream, pos, message, error, place, pattern],
  )
