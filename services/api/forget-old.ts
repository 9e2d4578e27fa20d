import type { Queryable } from '#platform/pg/pool.ts'
import type { Logger } from '#platform/telemetry/logger.ts'

const HOUR_MS = 3_600_000

/** What is kept beside the log for a while only. */
const OVER = {
  // Long enough for any client's retries.
  keys: `delete from log.keys where at < now() - interval '7 days'`,
  counters: 'delete from log.counters where until < now()',
}

/** Forgets Idempotency-Keys that nobody will repeat any more, and counters of days gone by, now and then every hour. Returns how to stop. */
export function forgetOld(db: Queryable, log: Logger): () => void {
  const forget = () => {
    for (const [what, statement] of Object.entries(OVER))
      db.query(`${what}.forget`, statement).catch((error) => log.warn({ error, what }, 'could not forget what is over'))
  }
  forget()
  const timer = setInterval(forget, HOUR_MS)
  timer.unref()
  return () => clearInterval(timer)
}
