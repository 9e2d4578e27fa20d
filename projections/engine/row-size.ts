import type { Row } from './fold.ts'

/** Rough size of a row without its texts, in bytes. */
export const ROW_BYTES = 300

/** Rough size of a row in memory, in bytes. */
export function sizeOf(row: Row): number {
  let bytes = ROW_BYTES
  for (const value of Object.values(row)) if (typeof value === 'string') bytes += value.length
  return bytes
}
