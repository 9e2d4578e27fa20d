import { once } from 'node:events'
import { type Logger, pino } from 'pino'
import { atMost } from '#platform/deadline.ts'

export type { Logger }

/** Shared by all loggers of the process. */
const out = pino.destination({ fd: 1, sync: false })
// Each logger adds listeners, and so does each service that logs its last line; avoids Node's warning about a leak.
out.setMaxListeners(0)

/** Opens a logger that writes structured lines to standard output. Callers never log secrets. */
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
 * Logs the last line of a process and waits, in bounded time, until it is written. If the process ended before that and the reader of
 * its output were gone, pino would try to write the line forever.
 */
export async function logLast(logger: Logger, level: 'info' | 'error', ...line: [string] | [object, string]): Promise<void> {
  if (!logger.isLevelEnabled(level)) return
  // Rejects when the output reports an error.
  const written = once(out, 'drain')
  logger[level](...(line as [string]))
  await atMost(DRAIN_MS, written)
}
