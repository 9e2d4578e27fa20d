import { within } from '#platform/deadline.ts'
import type { Execute } from '#platform/log/commands/executor.ts'
import { probeAppend } from '#platform/log/postgres/probe.ts'
import { codeOf, isUnavailable, reasonOf } from '#platform/pg/errors.ts'
import type { Db } from '#platform/pg/pool.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import { unreadable } from '#projections/engine/fit.ts'
import { views } from '#projections/index.ts'

/** For reads and for writes: `ok`, or the reason why not. */
export interface Checks {
  reads: string
  writes: string
}

/** Knows whether the API can do its work. */
export interface Health {
  /** Asks the database, once for all concurrent callers, and answers in bounded time. */
  checks(): Promise<Checks>
  /** Executes a command; remembers and logs when the database does not take writes. */
  execute: Execute
}

/** A later answer is useless to a health check. */
const PATIENCE_MS = 2_000
/** The database is asked at most once in this time, however many callers ask. */
const FRESH_MS = 1_000
/** A full disk may accept the small probe and refuse a large append, so for this long a failed write outweighs a good probe. */
const REMEMBER_MS = 15_000

export function healthOf(db: Db, execute: Execute, log: Pick<Logger, 'warn' | 'info'>): Health {
  let asked: { at: number; checks: Promise<Checks> } | undefined
  let probing: Promise<void> | undefined
  let failed: { at: number; since: number; error: unknown } | undefined

  /** One probe at a time: another would hang on the same obstacle. */
  const probe = () => {
    probing ??= probeAppend(db).finally(() => {
      probing = undefined
    })
    return probing
  }

  async function ask(): Promise<Checks> {
    // Views of another version of the code cannot be read, even though the database answers.
    const [reads, writes] = await Promise.all([outcome(assertReadable(db)), outcome(probe())])
    const remembered = writes === 'ok' && failed && isFull(failed.error) && performance.now() - failed.at < REMEMBER_MS
    return { reads, writes: remembered ? reasonOf(failed!.error) : writes }
  }

  const worked = () => {
    if (!failed) return
    log.info({ seconds: Math.round((performance.now() - failed.since) / 100) / 10 }, 'the database takes writes again')
    failed = undefined
    asked = undefined
  }
  const refused = (error: unknown) => {
    const now = performance.now()
    if (!failed) log.warn({ error, reason: reasonOf(error) }, 'the database does not take writes')
    asked = undefined
    failed = { at: now, since: failed?.since ?? now, error }
  }

  return {
    checks() {
      if (!asked || performance.now() - asked.at > FRESH_MS) asked = { at: performance.now(), checks: ask() }
      return asked.checks
    },
    async execute(command, context) {
      try {
        const executed = await execute(command, context)
        if (executed.positions.length > 0 && !executed.replayed) worked()
        return executed
      } catch (error) {
        if (isUnavailable(error)) refused(error)
        throw error
      }
    },
  }
}

/** @throws ViewsOfOtherVersion when a view is missing or does not have the columns that this code reads */
async function assertReadable(db: Db): Promise<void> {
  const [why] = await unreadable(db, views)
  if (why) throw new ViewsOfOtherVersion(why)
}

class ViewsOfOtherVersion extends Error {}

/** SQLSTATE class 53: out of disk, memory or connections. */
const isFull = (error: unknown) => /^53/.test(codeOf(error) ?? '')

/** `ok`, or the reason why not. */
async function outcome(work: Promise<unknown>): Promise<string> {
  const answer = work.then(
    () => 'ok',
    (error) => (error instanceof ViewsOfOtherVersion ? error.message : reasonOf(error)),
  )
  return within(PATIENCE_MS, answer, () => 'no answer in time')
}
