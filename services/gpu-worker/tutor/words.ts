import { isStopWord } from './stop-words.ts'

// Splits texts into words in a normalized form, without case, accents and punctuation.

const UNSPACED =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}'
/** A number, a character of a script without blanks between words, or a word. */
const WORD = new RegExp(`\\p{N}+(?:[.,]\\p{N}+)*|[${UNSPACED}]|(?:(?![${UNSPACED}])[\\p{L}\\p{M}])+`, 'gu')
const UNSPACED_WORD = new RegExp(`^[${UNSPACED}]$`, 'u')
const isUnspaced = (word: string) => UNSPACED_WORD.test(word)
const isNumber = (word: string) => /^\p{N}/u.test(word)

/** Removes accents of Latin, Greek and Cyrillic. In other scripts such marks are vowels. */
const folded = (text: string) =>
  text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFKC')
    .toLowerCase()

/** Words of a text, in order; single characters where words are not separated by blanks. */
export const wordsOf = (text: string): string[] =>
  (folded(text).match(WORD) ?? []).map((word) => (isNumber(word) ? digitsOf(word) : word))

/** Removes separators within a number, which differ by language. */
const digitsOf = (number: string) =>
  number.replace(/[.,]/g, '').replace(/\p{Nd}/gu, (digit) => String(digitAt(digit.codePointAt(0)!)))

/** In Unicode, the ten digits of a script are consecutive. */
function digitAt(digit: number): number {
  let value = 0
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(digit - value - 1))) value++
  return value
}

/** Approximate number of words: where words are not separated by blanks, two characters count as one. */
export const countOfWords = (words: readonly string[]): number =>
  words.reduce((count, word) => count + (isUnspaced(word) ? 0.5 : 1), 0)

/** Endings vary with grammar, beginnings much less. */
const STEM = 5
const SHORTEST = { latin: 3, other: 2 }

/**
 * Stem of the word at `i`: a number, a pair of characters where words are not separated by blanks, or the beginning of a word.
 * Undefined for stop words.
 */
export function stemAt(words: readonly string[], i: number): string | undefined {
  const word = words[i]!
  if (isNumber(word)) return word
  if (isUnspaced(word)) {
    const next = words[i + 1]
    return next !== undefined && isUnspaced(next) ? word + next : undefined
  }
  const shortest = /^\p{Script=Latin}/u.test(word) ? SHORTEST.latin : SHORTEST.other
  const letters = [...word]
  if (letters.length < shortest || isStopWord(word)) return undefined
  return letters.slice(0, STEM).join('')
}

/** Distinct stems of a text. */
export const stemsOf = (text: string): Set<string> => {
  const words = wordsOf(text)
  return new Set(words.flatMap((_, i) => stemAt(words, i) ?? []))
}

export const numbersOf = (words: readonly string[]): string[] => words.filter(isNumber)
