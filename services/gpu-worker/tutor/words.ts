import { isStopWord } from './stop-words.ts'

// Texts as words, in a form in which two spellings of one word are the same: without case, accents and punctuation.

const UNSPACED =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}'
/** A number, a character of a script that is written without blanks, or a word. */
const WORD = new RegExp(`\\p{N}+(?:[.,]\\p{N}+)*|[${UNSPACED}]|(?:(?![${UNSPACED}])[\\p{L}\\p{M}])+`, 'gu')
const UNSPACED_WORD = new RegExp(`^[${UNSPACED}]$`, 'u')
const isUnspaced = (word: string) => UNSPACED_WORD.test(word)
const isNumber = (word: string) => /^\p{N}/u.test(word)

/** Accents of Latin, Greek and Cyrillic. In other scripts such marks are vowels. */
const folded = (text: string) =>
  text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFKC')
    .toLowerCase()

/** The words of a text, in order. Where words are written without blanks, its characters. */
export const wordsOf = (text: string): string[] =>
  (folded(text).match(WORD) ?? []).map((word) => (isNumber(word) ? digitsOf(word) : word))

/** Without the signs within a number, which differ by language. */
const digitsOf = (number: string) =>
  number.replace(/[.,]/g, '').replace(/\p{Nd}/gu, (digit) => String(digitAt(digit.codePointAt(0)!)))

/** In Unicode, the ten digits of a script follow each other. */
function digitAt(digit: number): number {
  let value = 0
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(digit - value - 1))) value++
  return value
}

/** How many words a text has, by and large: where they are written without blanks, two characters make one. */
export const countOfWords = (words: readonly string[]): number =>
  words.reduce((count, word) => count + (isUnspaced(word) ? 0.5 : 1), 0)

/** Endings differ with grammar, beginnings much less. */
const STEM = 5
const SHORTEST = { latin: 3, other: 2 }

/**
 * What the word at `i` stands for: a number, a pair of characters where words are written without blanks, or the beginning of a
 * word. Undefined for words that every text is full of.
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

/** All that the words of a text stand for, each once. */
export const stemsOf = (text: string): Set<string> => {
  const words = wordsOf(text)
  return new Set(words.flatMap((_, i) => stemAt(words, i) ?? []))
}

export const numbersOf = (words: readonly string[]): string[] => words.filter(isNumber)
