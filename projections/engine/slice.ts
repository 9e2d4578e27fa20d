import type { Id } from './view.ts'

/** The rows whose hash modulo `of` is `nth`. */
export interface Slice {
  of: number
  nth: number
}

export const ALL_ROWS: Slice = { of: 1, nth: 0 }

export const inSlice = ({ of, nth }: Slice, id: Id): boolean => of === 1 || hash(String(id)) % of === nth

/** The two halves of a slice. */
export const halves = ({ of, nth }: Slice): [Slice, Slice] => [
  { of: of * 2, nth },
  { of: of * 2, nth: nth + of },
]

/** FNV-1a with a final mix, which spreads its weak low bits. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b)
  return (h ^ (h >>> 13)) >>> 0
}
