import type { Logger } from './logger.ts'

/** Something that may fail for a while, again and again, until it works. */
export interface Spell {
  failed(error: unknown): void
  worked(): void
}

/** How long a spell goes on before it is told again; from then on twice as long each time. */
const AGAIN_MS = 10_000
const AGAIN_MS_MAX = 15 * 60_000

/**
 * Tells of failures without filling the log: the first of a spell at once, also when its cause changes; then ever more seldom; and
 * once that it is over. An hour of them is a dozen lines.
 */
export function openSpell(log: Pick<Logger, 'warn' | 'info'>, fields: object = {}, now: () => number = Date.now): Spell {
  let spell: { since: number; failures: number; told: string; next: number; pauseMs: number } | undefined
  const seconds = (since: number) => Math.round((now() - since) / 1_000)
  return {
    failed(error) {
      const cause = causeOf(error)
      if (!spell) {
        spell = { since: now(), failures: 1, told: cause, next: now() + AGAIN_MS, pauseMs: AGAIN_MS }
        return log.warn({ ...fields, error }, 'paused')
      }
      const { failures, since } = spell
      spell.failures = failures + 1
      if (cause === spell.told && now() < spell.next) return
      if (cause === spell.told) spell.pauseMs = Math.min(spell.pauseMs * 2, AGAIN_MS_MAX)
      spell.told = cause
      spell.next = now() + spell.pauseMs
      log.warn({ ...fields, error, failures: spell.failures, seconds: seconds(since) }, 'still paused')
    },
    worked() {
      if (!spell) return
      const { failures, since } = spell
      spell = undefined
      log.info({ ...fields, failures, seconds: seconds(since) }, 'goes on')
    },
  }
}

/** What stays the same when a failure is repeated: counts and times in its words may differ. */
const causeOf = (error: unknown) =>
  (error instanceof Error ? `${error.name} ${error.message}` : String(error)).replaceAll(/\d+/g, '')
