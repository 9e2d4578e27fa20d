import type { Logger } from '../telemetry/logger.ts'
import { codeOf, NOT_ALLOWED } from './errors.ts'

/** Logs once when the database is lost and once when it is back, not for every query that fails meanwhile. */
export function lossesOf(log: Pick<Logger, 'warn' | 'info'> | undefined, fields: object, now: () => number = Date.now) {
  let since: number | undefined
  return {
    lost(error: unknown) {
      if (since !== undefined) return
      since = now()
      log?.warn({ ...fields, error }, 'lost the database')
    },
    back() {
      if (since === undefined) return
      log?.info({ ...fields, seconds: Math.round((now() - since) / 100) / 10 }, 'the database is back')
      since = undefined
    },
  }
}

/**
 * Logs once when statements are refused because our role lost a right, and once when the last of them works again, not for every
 * query that is refused meanwhile.
 */
export function denialsOf(log: Pick<Logger, 'warn' | 'info'> | undefined, fields: object, now: () => number = Date.now) {
  const denied = new Set<string>()
  let since = 0
  return {
    /** @param name of the statement */
    failed(name: string, error: unknown) {
      if (codeOf(error) !== NOT_ALLOWED) return
      if (denied.size === 0) {
        since = now()
        log?.warn({ ...fields, statement: name, error }, 'the database refuses statements: our role lacks a right')
      }
      denied.add(name)
    },
    worked(name: string) {
      if (denied.size === 0 || !denied.delete(name) || denied.size > 0) return
      log?.info({ ...fields, seconds: Math.round((now() - since) / 100) / 10 }, 'the database refuses nothing any more')
    },
  }
}
