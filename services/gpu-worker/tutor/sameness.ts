import { numbersOf, wordsOf } from './words.ts'

/** Words in common, of all words of both. */
const ALIKE = 0.75

/** Says whether two texts say nearly the same. Those with other numbers in them do not. */
export function areAlike(one: string, other: string): boolean {
  const [a, b] = [wordsOf(one), wordsOf(other)]
  if (a.join(' ') === b.join(' ')) return true
  if (numbersOf(a).sort().join(' ') !== numbersOf(b).sort().join(' ')) return false
  const [x, y] = [new Set(a), new Set(b)]
  const common = [...x].filter((word) => y.has(word)).length
  return common / (x.size + y.size - common) >= ALIKE
}

/** A text without what does not make it another one: case, blanks, a full stop. Signs count: C is not C++. */
export const plain = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[.。]$/, '')
