import type { Row } from '../ports.ts'

/**
 * What Whisper says over and over although nobody does: it happens over music, noise and silence. Choruses that are as regular are
 * cut too; a transcript loses nothing by that but the number of times.
 */

/** So many times in a row, the same lines are a loop. */
const LINES_REPEATED = 4
/** Lines that are repeated together, at most. */
const LONGEST_LOOP = 4
/** The same words within one row: with fewer, people do talk like that. */
const WORDS_REPEATED = 6

/** At least two characters, one of them a letter: `1000000000000` is no loop. */
const WITHIN = new RegExp(`([^\\p{L}]{0,20}\\p{L}[^]{1,80}?)\\1{${WORDS_REPEATED - 1},}`, 'gu')

/**
 * Keeps of lines that are repeated four times in a row and more the first time only, and so of words that are repeated six times in a
 * row within a line.
 */
export function withoutLoops(rows: readonly Row[]): Row[] {
  const said = rows.map((row) => ({ ...row, text: withoutLoopsWithin(row.text) }))
  const heard = said.map(({ text }) => words(text))
  const kept: Row[] = []
  for (let i = 0; i < said.length; ) {
    const { length, times } = loopAt(heard, i)
    kept.push(...said.slice(i, i + length))
    i += length * times
  }
  return kept
}

/** How many lines are repeated how often from here on: the shortest loop counts, and a line that is no loop is one line, once. */
function loopAt(lines: readonly string[], at: number): { length: number; times: number } {
  for (let length = 1; length <= LONGEST_LOOP; length++) {
    let end = at + length
    while (end < lines.length && lines[end] === lines[end - length]) end++
    const times = Math.floor((end - at) / length)
    if (times >= LINES_REPEATED) return { length, times }
  }
  return { length: 1, times: 1 }
}

/** What counts when lines are compared: neither case nor marks. Of a line of marks alone, the marks. */
const words = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim() || text

/** Takes out of a line what is repeated in it. The blank at its end makes its last word like the others. */
export const withoutLoopsWithin = (text: string): string => `${text} `.replace(WITHIN, '$1').trim()
