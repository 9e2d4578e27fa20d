/** The loggable fields of an unexpected error. A database error's `detail` is left out: it quotes the row. */
export function faultOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) }
  const { name, message, stack, cause } = error
  return {
    name,
    message,
    code: (error as { code?: unknown }).code,
    stack,
    cause: cause === undefined ? undefined : faultOf(cause),
  }
}
