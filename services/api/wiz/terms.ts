import { normalized } from '#events/kit/normal-form.ts'

const WORD = /[\p{L}\p{N}\p{M}]+/gu
/** Scripts without blanks between words: there, two neighbouring characters count as a term. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
/** Longer words are cut to this length, so that `teaches` finds `teaching`. */
const STEM = 5

/** The terms of a text, for comparing the topics of two texts: words in lower case, cut to their stems. */
export function termsOf(text: string): Set<string> {
  const terms = new Set<string>()
  for (const [word] of normalized(text, 'NFKC').toLowerCase().matchAll(WORD)) {
    const letters = word.length > STEM || UNSPACED.test(word) ? [...word] : undefined
    if (!letters) terms.add(word)
    else if (!UNSPACED.test(word)) terms.add(letters.slice(0, STEM).join(''))
    else if (letters.length === 1) terms.add(word)
    else for (let i = 1; i < letters.length; i++) terms.add(letters[i - 1]! + letters[i]!)
  }
  return terms
}

const TIME = /\b(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)\b/g

/** The moments that a text names, such as `12:30` or `1:02:03`, in seconds. */
export const momentsIn = (text: string): number[] =>
  [...text.matchAll(TIME)].map(
    ([, hours, minutes, seconds]) => Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(seconds),
  )
