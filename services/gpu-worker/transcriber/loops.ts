import type { Row } from '../ports.ts'

/**
 * Removes loops: Whisper repeats text over music, noise and silence. Regular choruses are cut too; the transcript only loses the
 * number of repetitions.
 */

/** The same lines this many times in a row are a loop. */
const LINES_REPEATED = 4
/** Maximum number of lines repeated together. */
const LONGEST_LOOP = 4
/** The same words within one row; fewer repetitions occur in real speech. */
const WORDS_REPEATED = 6

/** At least two characters, one of them a letter: `1000000000000` is not a loop. */
const WITHIN = new RegExp(`([^\\p{L}]{0,20}\\p{L}[^]{1,80}?)\\1{${WORDS_REPEATED - 1},}`, 'gu')

/**
 * Keeps only the first copy of lines that are repeated four or more times in a row, and of words that are repeated six or more
 * times in a row within a line.
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

/** Finds the shortest loop that starts here: number of lines and of repetitions. A line outside a loop is one line, once. */
function loopAt(lines: readonly string[], at: number): { length: number; times: number } {
  for (let length = 1; length <= LONGEST_LOOP; length++) {
    let end = at + length
    while (end < lines.length && lines[end] === lines[end - length]) end++
    const times = Math.floor((end - at) / length)
    if (times >= LINES_REPEATED) return { length, times }
  }
  return { length: 1, times: 1 }
}

/** Normalizes for comparison, without case and punctuation. A line of punctuation only stays as it is. */
const words = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim() || text

/** Removes repetitions within a line. The blank added at the end makes its last word match like the others. */
export const withoutLoopsWithin = (text: string): string => `${text} `.replace(WITHIN, '$1').trim()
