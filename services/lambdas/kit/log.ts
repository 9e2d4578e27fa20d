/** Logs a line of JSON, which CloudWatch and the local runner both parse. Never log a secret. */
export const log = (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown> = {}) =>
  console[level](JSON.stringify({ level, message, ...fields }))

/** An error's reason, in one line. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message || error.name : String(error))
