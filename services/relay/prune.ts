import type { Logger } from 'pino'
import { catalog, deciders } from '#events/catalog.ts'
import { now } from '#platform/clock.ts'
import { pruneRelayed } from '#platform/log/kafka/prune.ts'
import type { Queryable } from '#platform/pg/pool.ts'

const EVERY_MS = 600_000
const DAY_MS = 86_400_000

/** Prunes published events older than `keepDays`, now and every ten minutes; none if that is undefined. Returns how to stop. */
export function pruneNowAndThen(db: Queryable, keepDays: number | undefined, log: Logger): () => Promise<void> {
  if (keepDays === undefined) return async () => {}
  const onError = (error: unknown, stream: string) => log.warn({ error, stream }, 'its events stay: they cannot be folded')
  let stopped = false
  let working: Promise<void> | undefined
  const prune = () => {
    // The first run may take longer than the interval.
    const olderThan = now() - keepDays * DAY_MS
    working ??= pruneRelayed({ db, catalog, deciders, olderThan, onError, isStopped: () => stopped })
      .catch((error) => log.warn({ error }, 'cannot prune the log'))
      .finally(() => {
        working = undefined
      })
  }
  prune()
  const timer = setInterval(prune, EVERY_MS)
  return async () => {
    stopped = true
    clearInterval(timer)
    await working
  }
}
