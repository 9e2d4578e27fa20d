import { adjust, aheadOfOwnMs } from '../clock.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Queryable } from './pool.ts'

const EVERY_MS = 10_000
/** Clocks synchronized by NTP differ by less. */
const TOLD_MS = 2_000

/** Asks the database for the time once and adjusts this process's clock to it. */
export async function askTime(db: Queryable): Promise<void> {
  const askedAt = Date.now()
  const [row] = await db.query<{ time: number }>('clock', 'select extract(epoch from clock_timestamp())::float8 * 1000 as time')
  adjust(Math.floor(row!.time), askedAt, Date.now())
}

/**
 * Follows the clock of the database from now on, and logs a warning when the clock of this machine differs.
 *
 * @returns a function that stops it
 */
export function followClock(db: Queryable, log: Pick<Logger, 'warn'>): () => void {
  let isTold = false
  const tell = () => {
    const isWrong = Math.abs(aheadOfOwnMs()) > TOLD_MS
    if (isWrong && !isTold)
      log.warn({ behindMs: aheadOfOwnMs() }, 'the clock of this machine differs from that of the database, which is used instead')
    isTold = isWrong
  }
  tell()
  // Without an answer the last known difference stays in use.
  const timer = setInterval(() => void askTime(db).then(tell, () => {}), EVERY_MS).unref()
  return () => clearInterval(timer)
}
