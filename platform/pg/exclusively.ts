import { turns } from '../turns.ts'
import { codeOf } from './errors.ts'
import { openDb } from './pool.ts'

/**
 * Runs work while no other work, in any process, runs under the same name.
 * @throws StillTaken when other work held the name too long, and errors of the work itself
 */
export type Exclusively = <T>(name: string, work: () => Promise<T>) => Promise<T>

/** Other work held the same name for so long that this work was not started. */
export class StillTaken extends Error {
  override name = 'StillTaken'
}

/** Connections of a separate pool that only holds these locks, so running work can always get a connection from its own pool. */
const MOST_AT_ONCE = 4
/** Longer than storing any object should take. */
const WAIT_MS = 20_000
const LOCK_NOT_AVAILABLE = '55P03'

/** Uses advisory locks of Postgres, which end with their connection: a killed process holds none. */
export function openExclusively(
  url: string,
  { name, waitMs = WAIT_MS }: { name: string; waitMs?: number },
): { exclusively: Exclusively; close(): Promise<void> } {
  const db = openDb(url, { name, max: MOST_AT_ONCE })
  const lines = new Map<string, { take: ReturnType<typeof turns>; wanted: number }>()

  /** Queues the work of this process by name, so that a name takes only one connection of the pool. */
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
            throw codeOf(error) === LOCK_NOT_AVAILABLE ? new StillTaken(`other work holds ${name}`, { cause: error }) : error
          })
          return work()
        }),
      ),
    close: db.close,
  }
}
