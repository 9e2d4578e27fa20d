import type { Logger } from './logger.ts'

/** Logs a spell: a series of failures of one operation until it works again. */
export interface Spell {
  failed(error: unknown): void
  /** The operation started again after a failure. Without another failure within 30 s, the spell is over. */
  resumed(): void
  worked(): void
  /** Ends the spell without a line: another process has taken over, and logs the rest. */
  left(): void
}

/** Time until a spell is logged again; doubles each time. */
const AGAIN_MS = 10_000
const AGAIN_MS_MAX = 15 * 60_000
/** Longer than most calls hang before they fail. */
const QUIET_MS = 30_000

/** Calls `work` later, without keeping the process alive. Returns how to cancel that. */
type Later = (work: () => void, ms: number) => () => void
const later: Later = (work, ms) => {
  const timer = setTimeout(work, ms).unref()
  return () => clearTimeout(timer)
}

/**
 * Logs failures without filling the log: the first failure of a spell and each change of its cause at once, then less and less often,
 * and once when the spell is over. An hour of failures is a dozen lines.
 */
export function openSpell(
  log: Pick<Logger, 'warn' | 'info'>,
  fields: object = {},
  clock = { now: Date.now, later },
  what = 'paused',
): Spell {
  const { now } = clock
  let cancel = () => {}
  let spell: { since: number; failures: number; told: string; next: number; pauseMs: number } | undefined
  const seconds = (since: number) => Math.round((now() - since) / 1_000)
  function over() {
    cancel()
    if (!spell) return
    const { failures, since } = spell
    spell = undefined
    log.info({ ...fields, failures, seconds: seconds(since) }, 'resumed')
  }
  return {
    failed(error) {
      cancel()
      const cause = causeOf(error)
      if (!spell) {
        spell = { since: now(), failures: 1, told: cause, next: now() + AGAIN_MS, pauseMs: AGAIN_MS }
        return log.warn({ ...fields, error }, what)
      }
      const { failures, since } = spell
      spell.failures = failures + 1
      if (cause === spell.told && now() < spell.next) return
      if (cause === spell.told) spell.pauseMs = Math.min(spell.pauseMs * 2, AGAIN_MS_MAX)
      spell.told = cause
      spell.next = now() + spell.pauseMs
      log.warn({ ...fields, error, failures: spell.failures, seconds: seconds(since) }, `still ${what}`)
    },
    resumed() {
      cancel()
      if (spell) cancel = clock.later(over, QUIET_MS)
    },
    worked: over,
    left() {
      cancel()
      spell = undefined
    },
  }
}

/** The error's text without digits, to recognize repeated failures whose counts and times differ. */
const causeOf = (error: unknown) =>
  (error instanceof Error ? `${error.name} ${error.message}` : String(error)).replaceAll(/\d+/g, '')
