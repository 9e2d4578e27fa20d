import type { Recorded } from '#events/kit/envelope.ts'
import type { Db, Queryable } from '#platform/pg/pool.ts'
import { reason } from '../parked.ts'
import type { Beside } from '../postgres/appender.ts'
import { isFault } from './effect.ts'

/** The channel on which consumers hear that letters of theirs are due. */
export const REDRIVE = 'redrive'

/**
 * Asks the owner of a consumer to try what is parked of a stream again, in order.
 * @returns how many events that is
 */
export function askToRedrive(db: Db, consumer: string, stream: string): Promise<number> {
  return db.tx(async (tx) => {
    const { rowCount } = await tx.query(
      `update log.dead_letters set state = 'due' where consumer = $1 and stream = $2 and state in ('failed', 'waiting')`,
      [consumer, stream],
    )
    await tx.query('select pg_notify($1, $2)', [REDRIVE, consumer])
    return rowCount ?? 0
  })
}

/** How many letters of a stream still wait for somebody to try them again, and how many have failed or wait behind one that did. */
export async function parkedOf(db: Queryable, consumer: string, stream: string): Promise<{ due: number; parked: number }> {
  const [count] = await db.query<{ due: number; parked: number }>(
    'letters.count',
    `select count(*) filter (where state = 'due') as due, count(*) filter (where state in ('failed', 'waiting')) as parked
       from log.dead_letters where consumer = $1 and stream = $2`,
    [consumer, stream],
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

/** Takes one letter away. Whoever comes second finds nothing to take, and leaves it. */
const TAKE = `
  beside as (
    delete from log.dead_letters where consumer = $1 and pos = $2::bigint and state in ('due', 'waiting') returning true as done)`

/** Whether a consumer has letters that are due. */
export async function hasDue(db: Queryable, consumer: string): Promise<boolean> {
  const due = await db.query('letters.hasDue', `select from log.dead_letters where consumer = $1 and state = 'due' limit 1`, [
    consumer,
  ])
  return due.length > 0
}

/**
 * Tries all letters that are due, in order, and what was parked behind them since; a stream in which one fails stays parked from
 * there on.
 *
 * @param apply does what follows from the event, and `beside` in the same statement
 * @returns whether there were any
 */
export async function redriveDue(
  db: Queryable,
  { consumer, topic, partitions }: Where,
  apply: (recorded: Recorded, beside: Beside) => Promise<unknown>,
): Promise<boolean> {
  const due = await db.query<Due>(
    'letters.due',
    `select pos, stream, event from log.dead_letters l
      where consumer = $1 and topic = $2 and partition = any ($3::int[]) and state in ('due', 'waiting')
        and exists (select from log.dead_letters d where d.consumer = $1 and d.stream = l.stream and d.state = 'due')
      order by pos`,
    [consumer, topic, partitions],
  )
  const failed = new Set<string>()
  for (const letter of due) {
    if (failed.has(letter.stream)) continue
    try {
      await apply(JSON.parse(letter.event), { name: 'letters.takeOne', text: TAKE, values: [consumer, letter.pos] })
    } catch (error) {
      if (!isFault(error)) throw error
      failed.add(letter.stream)
      await fail(db, consumer, letter, reason(error))
    }
  }
  return due.length > 0
}

/** This one failed again, and those behind it wait again. */
const fail = (db: Queryable, consumer: string, { stream, pos }: Due, cause: string) =>
  db.query(
    'letters.fail',
    `update log.dead_letters
        set state = case when pos = $3 then 'failed' else 'waiting' end, cause = case when pos = $3 then $4 end
      where consumer = $1 and stream = $2 and pos >= $3 and state in ('due', 'waiting')`,
    [consumer, stream, pos, cause],
  )
