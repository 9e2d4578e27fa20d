/** Writes a line about something that happened, as JSON: CloudWatch and our runner both read it. Never a secret. */
export const log = (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown> = {}) =>
  console[level](JSON.stringify({ level, message, ...fields }))

/** What went wrong, in a line. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message || error.name : String(error))
