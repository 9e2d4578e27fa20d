import type { Logger } from '../telemetry/logger.ts'
import { codeOf, NOT_ALLOWED } from './errors.ts'

/** Logs once when the database is lost and once when it is back, not for every query that fails meanwhile. */
export function lossesOf(log: Pick<Logger, 'warn' | 'info'> | undefined, fields: object, now: () => number = Date.now) {
  let since = 0
  const losses = {
    isLost: false,
    lost(error: unknown) {
      if (losses.isLost) return
      losses.isLost = true
      since = now()
      log?.warn({ ...fields, error }, 'lost the database')
    },
    back() {
      if (!losses.isLost) return
      losses.isLost = false
      log?.info({ ...fields, seconds: Math.round((now() - since) / 100) / 10 }, 'the database is back')
    },
  }
  return losses
}

/** Without a refusal for this long, the next statement that works shows that the right is back. */
const QUIET_MS = 30_000

/**
 * Logs once when statements are refused because our role lost a right, and once when nothing is refused any more, not for every query
 * that is refused meanwhile. It is over when each refused statement has worked again, or when nothing was refused for a while: a
 * seldom statement may not come again for hours.
 */
export function denialsOf(log: Pick<Logger, 'warn' | 'info'> | undefined, fields: object, now: () => number = Date.now) {
  const denied = new Set<string>()
  let since = 0
  let last = 0
  const denials = {
    /** Whether some statement that was refused has not worked since. */
    isDenied: false,
    /** @param name of the statement */
    failed(name: string, error: unknown) {
      if (codeOf(error) !== NOT_ALLOWED) return
      if (!denials.isDenied) {
        since = now()
        log?.warn({ ...fields, statement: name, error }, 'the database refuses statements: our role lacks a right')
      }
      last = now()
      denials.isDenied = true
      denied.add(name)
    },
    worked(name: string) {
      if (!denials.isDenied) return
      denied.delete(name)
      if (denied.size > 0 && now() - last < QUIET_MS) return
      denials.isDenied = false
      denied.clear()
      log?.info({ ...fields, seconds: Math.round((now() - since) / 100) / 10 }, 'the database accepts all statements again')
    },
  }
  return denials
}
