/** The SQLSTATE of an error of Postgres, or the code of one of the system. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

/** Data that Postgres will not take, however often it is tried: classes 22 (data exception) and 23 (constraint). */
export const isRefusal = (error: unknown): boolean => /^2[23]/.test(codeOf(error) ?? '')
