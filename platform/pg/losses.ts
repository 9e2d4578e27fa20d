import type { Logger } from '../telemetry/logger.ts'

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
