import { numbersOf, wordsOf } from './words.ts'

/** Share of common words among all words of both texts. */
const ALIKE = 0.75

/** Whether two texts say nearly the same. Texts with different numbers do not. */
export function areAlike(one: string, other: string): boolean {
  const [a, b] = [wordsOf(one), wordsOf(other)]
  if (a.join(' ') === b.join(' ')) return true
  if (numbersOf(a).sort().join(' ') !== numbersOf(b).sort().join(' ')) return false
  const [x, y] = [new Set(a), new Set(b)]
  const common = [...x].filter((word) => y.has(word)).length
  return common / (x.size + y.size - common) >= ALIKE
}

/** Normalizes case, blanks and a final full stop. Other signs stay: C is not C++. */
export const plain = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[.。]$/, '')
