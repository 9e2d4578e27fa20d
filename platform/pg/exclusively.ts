import { turns } from '../turns.ts'
import { codeOf } from './errors.ts'
import { openDb } from './pool.ts'

/**
 * Runs work while nobody else, in whatever process, runs work under the same name.
 * @throws StillTaken, and whatever the work throws
 */
export type Exclusively = <T>(name: string, work: () => Promise<T>) => Promise<T>

/** Somebody else has worked under the same name for so long that this one was not begun. */
export class StillTaken extends Error {
  override name = 'StillTaken'
}

/** Each lends a connection to work that goes on, and nobody else: so who works here can always get one of another pool. */
const MOST_AT_ONCE = 4
/** Longer than any object should take to be stored. */
const WAIT_MS = 20_000
const LOCK_NOT_AVAILABLE = '55P03'

/** Locks that Postgres keeps for as long as a connection lives: of who is killed at his work the lock is free again. */
export function openExclusively(
  url: string,
  { name, waitMs = WAIT_MS }: { name: string; waitMs?: number },
): { exclusively: Exclusively; close(): Promise<void> } {
  const db = openDb(url, { name, max: MOST_AT_ONCE })
  const lines = new Map<string, { take: ReturnType<typeof turns>; wanted: number }>()

  /** Those of this process wait in line, so that they hold one connection for a name and not all there are. */
  async function inLine<T>(name: string, work: () => Promise<T>): Promise<T> {
    const line = lines.get(name) ?? { take: turns(1), wanted: 0 }
    lines.set(name, line)
    line.wanted++
    try {
      return await line.take(work)
    } finally {
      if (--line.wanted === 0) lines.delete(name)
    }
  }

  return {
    exclusively: (name, work) =>
      inLine(name, () =>
        db.tx(async (tx) => {
          await tx.query(`set local lock_timeout = ${waitMs}`)
          await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [name]).catch((error) => {
            throw codeOf(error) === LOCK_NOT_AVAILABLE ? new StillTaken(`others are at ${name}`, { cause: error }) : error
          })
          return work()
        }),
      ),
    close: db.close,
  }
}
