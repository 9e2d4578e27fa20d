import type { Request } from '#platform/http/request.ts'
import type { Place } from '#platform/log/port.ts'
import { REMEDY } from '#platform/log/timeline.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { readSteadily } from '#projections/engine/steady.ts'
import type { Deps } from './deps.ts'
import { placesIn } from './position.ts'

export interface CatchUp {
  /** Runs `handle`, which reads these views, once they show what the request wants to see. */
  read(request: Request, reads: readonly string[], handle: () => Promise<unknown> | unknown): Promise<unknown>
  /** Number of waiting reads. */
  waiting(): number
}

/** Each waiting read costs a timer and an open connection: many are fine, but one client must not add them without bound. */
const MOST_WAITING = 2_000
const MOST_WAITING_EACH = 32
/** Clients send what they like, so this may say nothing about the log. */
const TELL_AGAIN_MS = 10 * 60_000

/**
 * Lets a read that carries `VidWiz-Position` wait (bounded) until the views that it reads show the write at that position,
 * whichever process wrote it (P5). When they do not, the answer says so: `VidWiz-Visible: false`.
 *
 * After a crash of the database, every read waits (bounded) until the views have caught up with what they may have shown before. A
 * read during which the database crashed is repeated.
 *
 * A position beyond the head of the log is not waited for, and logged. Beyond the maximum number of waiting reads, a read is answered at once.
 */
export function catchUpOf({ waiter, db, log, lost = [] }: Pick<Deps, 'waiter' | 'lost' | 'log'> & { db: Queryable }): CatchUp {
  // Events that were lost when the log was restored: no view will ever show them.
  const isLost = ({ pos }: Place) => lost.some(({ head, floor }) => head < pos && pos <= floor)
  let toldAt = -Infinity
  const isInLog = headOf(db, (position, head) => {
    if (performance.now() - toldAt < TELL_AGAIN_MS) return
    toldAt = performance.now()
    log.warn(
      { position, head, remedy: REMEDY },
      'a client holds a position beyond the end of the log: was the database restored from a backup, or a standby promoted?',
    )
  })
  const turns = turnstile(MOST_WAITING, MOST_WAITING_EACH)

  async function read(request: Request, reads: readonly string[], handle: () => Promise<unknown> | unknown) {
    const { 'vidwiz-position': position } = request.headers
    const places = position === undefined ? undefined : placesIn(String(position))
    const inTurn = (wait: () => Promise<boolean>) => turns.take(request.actor ?? '', wait).catch(() => false)
    const shown = async () => {
      const recovered = waiter.recovered(reads)
      if (recovered) await inTurn(() => recovered.then(() => true))
      if (!places || places.some(isLost)) return false
      return waiter.shows(reads, places) || inTurn(async () => (await isInLog(places)) && (await waiter.visible(reads, places)))
    }
    const { isVisible, result } = await readSteadily(waiter, shown, async () => {
      try {
        return await handle()
      } catch (error) {
        // Kept as a result, so that `readSteadily` treats it like any other answer.
        return new Failed(error)
      }
    })
    if (places && !isVisible) request.answerWith('VidWiz-Visible', 'false')
    if (result instanceof Failed) throw result.error
    return result
  }
  return { read, waiting: turns.count }
}

class Failed {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

/** Whether the log reaches these places. The log only grows, so it is asked only for places beyond the last known head. */
function headOf(db: Queryable, onBeyond: (position: number, head: number) => void): (places: Place[]) => Promise<boolean> {
  let head = 0
  return async (places) => {
    const furthest = Math.max(...places.map(({ pos }) => pos))
    if (furthest > head) {
      const [row] = await db.query<{ pos: number }>('log.head', 'select coalesce(max(pos), 0) as pos from log.events')
      head = row!.pos
    }
    if (furthest > head) onBeyond(furthest, head)
    return furthest <= head
  }
}

/** Lets `most` wait at once, and `mostEach` of one name; false at once for any more. */
function turnstile(most: number, mostEach: number) {
  const waiting = new Map<string, number>()
  let all = 0
  async function take(name: string, wait: () => Promise<boolean>): Promise<boolean> {
    const own = waiting.get(name) ?? 0
    if (all >= most || own >= mostEach) return false
    all++
    waiting.set(name, own + 1)
    try {
      return await wait()
    } finally {
      all--
      const left = waiting.get(name)! - 1
      left === 0 ? waiting.delete(name) : waiting.set(name, left)
    }
  }
  return { take, count: () => all }
}
