import type { Request } from '#platform/http/request.ts'
import type { Place } from '#platform/log/port.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import type { Deps } from './deps.ts'
import { placesIn } from './position.ts'

export interface CatchUp {
  /** What the edge asks before a read is answered. */
  ready(request: Request, reads: readonly string[] | undefined): Promise<void> | undefined
  /** How many wait. */
  waiting(): number
}

/** Each costs a timer and an open connection, so there may be many; but not as many as somebody likes to send. */
const MOST_WAITING = 2_000
const MOST_WAITING_EACH = 32

/**
 * Lets a read that carries `VidWiz-Position` wait (bounded) until the views it is answered from show what was written there,
 * by whatever process (P5). When they do not, the answer says so: `VidWiz-Visible: false`.
 *
 * Nobody waits for what is not in the log, and only so many wait at once: the others are answered as things stand.
 */
export function catchUpOf({ shows, visible, db }: Pick<Deps, 'shows' | 'visible'> & { db: Queryable }): CatchUp {
  const isInLog = headOf(db)
  const turns = turnstile(MOST_WAITING, MOST_WAITING_EACH)

  const ready: CatchUp['ready'] = (request, reads) => {
    const { 'vidwiz-position': position } = request.headers
    if (!reads || position === undefined) return undefined
    const places = placesIn(String(position))
    if (shows(reads, places)) return undefined
    return turns
      .take(request.actor ?? '', async () => (await isInLog(places)) && (await visible(reads, places)))
      .catch(() => false)
      .then((isVisible) => {
        if (!isVisible) request.answerWith('VidWiz-Visible', 'false')
      })
  }
  return { ready, waiting: turns.count }
}

/** Whether the log reaches so far. It only ever grows, so it is asked again only for what lies beyond what is known. */
function headOf(db: Queryable): (places: Place[]) => Promise<boolean> {
  let head = 0
  return async (places) => {
    const furthest = Math.max(...places.map(({ pos }) => pos))
    if (furthest > head) {
      const [row] = await db.query<{ pos: number }>('log.head', 'select coalesce(max(pos), 0) as pos from log.events')
      head = row!.pos
    }
    return furthest <= head
  }
}

/** Lets so many wait at once, and of one name so many; false at once for any other. */
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
