/** A longer reason says nothing more. */
const MAX_REASON = 1_000

/** A worker's error message, made storable. */
export const reasonOf = (message: string | null | undefined): string =>
  (message ?? 'no reason given').toWellFormed().replaceAll('\0', '').slice(0, MAX_REASON).toWellFormed()
