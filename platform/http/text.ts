/** Unicode whitespace. `String.trim` would also remove U+FEFF, and keep U+0085 and U+001C to U+001F. */
const BLANKS = new Set([
  ...range(0x09, 0x0d),
  ...range(0x1c, 0x20),
  ...[0x85, 0xa0, 0x1680],
  ...range(0x2000, 0x200a),
  ...[0x2028, 0x2029, 0x202f, 0x205f, 0x3000],
])

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

/** Removes Unicode whitespace from both ends. */
export function strip(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && BLANKS.has(text.charCodeAt(start))) start++
  while (end > start && BLANKS.has(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/** The number of Unicode code points in a text: 2 for 😀😀. */
export function codePoints(text: string): number {
  let count = 0
  for (let i = 0; i < text.length; count++) i += text.codePointAt(i)! > 0xffff ? 2 : 1
  return count
}

/** True when Postgres can store the text: it has no NUL and no half of a surrogate pair. */
export const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0')
