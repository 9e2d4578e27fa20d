import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, pino } from 'pino'

export type { Logger }

/** One for all loggers of the process. */
const out = pino.destination({ fd: 1, sync: false })
// Each logger listens to it, and so does each service that logs its last line.
out.setMaxListeners(0)

/** Structured lines on standard output: one per thing that happened, never a secret. */
export const openLogger = (service: string, level = process.env.LOG_LEVEL ?? 'info'): Logger =>
  pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    out,
  )

const DRAIN_MS = 500

/**
 * Logs the last line of a process and waits (bounded) until it is written. If whoever read its lines is gone and the process ended
 * meanwhile, pino would try to write that line for ever.
 */
export async function logLast(logger: Logger, level: 'info' | 'error', ...line: [string] | [object, string]): Promise<void> {
  if (!logger.isLevelEnabled(level)) return
  const late = new AbortController()
  const written = Promise.race([once(out, 'drain'), once(out, 'error'), sleep(DRAIN_MS, undefined, late)])
  logger[level](...(line as [string]))
  await written.catch(() => {})
  late.abort()
}
