import { type Logger, pino } from 'pino'

export type { Logger }

/** Structured lines on standard output: one per thing that happened, never a secret. */
export const openLogger = (service: string, level = process.env.LOG_LEVEL ?? 'info'): Logger =>
  pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { error: pino.stdSerializers.err },
  })
