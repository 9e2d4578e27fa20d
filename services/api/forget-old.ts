import type { Queryable } from '#platform/pg/pool.ts'
import type { Logger } from '#platform/telemetry/logger.ts'

const HOUR_MS = 3_600_000

/** Rows per statement: the API's statements must stay short however much there is to delete. */
const AT_ONCE = 5_000

/** Tables beside the log whose rows expire. */
const OVER = {
  // Longer than any client retries.
  idempotencyKeys: `delete from log.idempotency_keys where ctid = any (array(select ctid from log.idempotency_keys where at < now() - interval '7 days' limit ${AT_ONCE})) returning true`,
  counters: `delete from log.counters where ctid = any (array(select ctid from log.counters where until < now() limit ${AT_ONCE})) returning true`,
}

/** Deletes expired Idempotency-Keys and counters, now and every hour. Returns a function that stops it. */
export function forgetOld(db: Queryable, log: Logger): () => void {
  const forget = () => {
    for (const [what, statement] of Object.entries(OVER))
      forgetAll(db, `${what}.forget`, statement).catch((error) => log.warn({ error, what }, 'could not delete old rows'))
  }
  forget()
  const timer = setInterval(forget, HOUR_MS)
  timer.unref()
  return () => clearInterval(timer)
}

async function forgetAll(db: Queryable, name: string, statement: string) {
  while ((await db.query(name, statement)).length === AT_ONCE);
}
