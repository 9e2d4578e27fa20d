import type { Queryable } from '#platform/pg/pool.ts'
import type { Logger } from '#platform/telemetry/logger.ts'

const HOUR_MS = 3_600_000
/** Long enough for any client's retries. */
const KEPT_FOR = '7 days'

/** Forgets Idempotency-Keys that nobody will repeat any more, now and then every hour. Returns how to stop. */
export function forgetOldKeys(db: Queryable, log: Logger): () => void {
  const forget = () =>
    db
      .query('keys.forget', `delete from log.keys where at < now() - $1::interval`, [KEPT_FOR])
      .catch((error) => log.warn({ error }, 'could not forget old keys'))
  void forget()
  const timer = setInterval(forget, HOUR_MS)
  timer.unref()
  return () => clearInterval(timer)
}
