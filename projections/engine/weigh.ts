import type { Row } from './fold.ts'

/** Roughly what a row costs beside its texts. */
export const ROW_BYTES = 300

/** Roughly what a row takes in memory, in bytes. */
export function weightOf(row: Row): number {
  let bytes = ROW_BYTES
  for (const value of Object.values(row)) if (typeof value === 'string') bytes += value.length
  return bytes
}
