import { codeOf } from '#platform/pg/errors.ts'
import type { Listener } from '#platform/pg/listen.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { OperatorError } from '../operator-error.ts'

// A log that was restored from a backup has lost its newest events. docs/decisions/timeline.md says why that is dangerous and
// what is done about it.

/** Which log the database holds, and whether it may be appended to. */
export interface Timeline {
  /** Id of the log; never changes. */
  id: string
  /** Rises by one each time the log was restored. */
  epoch: number
  /** Positions up to here were used before the log was restored, and are not used again. */
  floor: number
  /** Why nothing may be appended; null when appends are allowed. */
  halted: string | null
  /** The events at positions in (head, floor] were lost; one entry for each time the log was restored. */
  lost: readonly { head: number; floor: number }[]
}

/** Tells an operator what to do about a restored log. */
export const REMEDY = '`npx vidwiz restored --dry-run` says what is lost (docs/runbook.md, "A database was restored")'

/** Tells an operator what to do about events that are gone from the middle of the log. */
export const GAPS_REMEDY =
  'bring them back from a backup, or give them up: `npx vidwiz restored --dry-run` (docs/runbook.md, "Events are gone from the log")'

/** The log appears to have lost events, so nothing may be appended until an operator allows it. */
export class LogHalted extends OperatorError {
  constructor(why: string, options?: ErrorOptions) {
    super(`the log is halted: ${why}; ${REMEDY}`, options)
    this.name = 'LogHalted'
  }
}

/** A topic holds something that the log does not have. */
export class AheadOfLog extends OperatorError {
  constructor(what: string, options?: ErrorOptions) {
    super(`${what}. The database was restored from a backup, or somebody else wrote to the topic; ${REMEDY}`, options)
    this.name = 'AheadOfLog'
  }
}

const READ = `
  select t.id, t.epoch, t.floor, t.halted,
         (select coalesce(json_agg(json_build_object('head', r.head, 'floor', r.floor)), '[]') from log.restorations r) as lost
    from log.timeline t`

export async function readTimeline(db: Queryable): Promise<Timeline> {
  const [row] = await db.query<Omit<Timeline, 'lost'> & { lost: string }>('timeline.read', READ)
  return { ...row!, lost: JSON.parse(row!.lost) }
}

const FURTHEST = `
  select greatest((select max(pos) from log.checkpoints where consumer not like '%~%'), (select pos from log.relay), 0) as furthest,
         log.head() as head`

/** The timeline, after a look at the end of the log: halts it when consumers have handled events that it no longer has. */
export async function examined(db: Queryable): Promise<Timeline> {
  const [stand] = await db.query<{ furthest: number; head: number }>('timeline.furthest', FURTHEST)
  const { furthest, head } = stand!
  if (furthest > head) await halt(db, `a consumer has handled position ${furthest}, but the log ends at ${head}`)
  return readTimeline(db)
}

/** Whether the database still has all events. Events that Kafka has may be pruned from it. */
export async function isUnpruned(db: Queryable): Promise<boolean> {
  const [timeline] = await db.query<{ pruned: boolean }>('timeline.pruned', 'select pruned from log.timeline')
  return !timeline!.pruned
}

/** Stops all appends, in every process. The first reason stays. */
export const halt = (db: Queryable, why: string): Promise<unknown> => db.query('timeline.halt', 'select log.halt($1)', [why])

/**
 * Rethrows an error of `log.append`, as LogHalted if the log is halted or has lost its newest events. In the latter case halts it.
 * @throws LogHalted, or the error itself
 */
export async function throwHalted(db: Queryable, error: unknown): Promise<never> {
  const code = codeOf(error)
  const { message } = error as Error
  if (code === 'HALT0') throw new LogHalted(message, { cause: error })
  if (code !== 'BACK0') throw error
  // The transaction that raised it is rolled back, so the halt needs one of its own.
  await halt(db, message)
  throw new LogHalted(message, { cause: error })
}

interface WatchOptions {
  /** The timeline when the process started. */
  known: Pick<Timeline, 'id' | 'epoch'>
  /** Called when the database holds another log, or another epoch of it. */
  onChange(now: Timeline): void
  /** Called when appends are halted. */
  onHalt(why: string): void
}

/**
 * Calls back when the database holds another log than at the start of the process, or another epoch of it: all that the process
 * remembers of the log is then wrong, and it must restart.
 * @returns a function that stops it
 */
export function watchTimeline(db: Queryable, listener: Listener, { known, onChange, onHalt }: WatchOptions): () => void {
  let stopped = false
  let wasHalted: string | null = null
  const look = async () => {
    const now = await readTimeline(db)
    if (stopped) return
    if (now.id !== known.id || now.epoch !== known.epoch) onChange(now)
    else if (now.halted !== null && now.halted !== wasHalted) onHalt(now.halted)
    wasHalted = now.halted
  }
  // If the query fails, the next notification or reconnect asks again.
  const off = listener.on('timeline', () => void look().catch(() => {}))
  return () => {
    stopped = true
    off()
  }
}
