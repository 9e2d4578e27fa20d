/** Longer reasons say nothing more. */
const MAX_REASON = 1_000

/** What a worker says went wrong, fit to be kept. */
export const reasonOf = (message: string | null | undefined): string =>
  (message ?? 'no reason given').toWellFormed().replaceAll('\0', '').slice(0, MAX_REASON).toWellFormed()
