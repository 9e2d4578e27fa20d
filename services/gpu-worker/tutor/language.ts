import { STOP_WORDS } from './stop-words.ts'
import { wordsOf } from './words.ts'

// Cheap language detection from letters and function words. It decides only clear cases.

/** Language part of a tag such as `pt-BR`. */
export const baseOf = (tag: string): string => tag.split('-')[0]!.toLowerCase()

/** English name of a tag's language, for a prompt; the tag itself if it has none. */
export function nameOf(tag: string): string {
  try {
    return new Intl.DisplayNames(['en'], { type: 'language' }).of(tag) ?? tag
  } catch {
    return tag
  }
}

/** Some script codes stand for several scripts. */
const WRITTEN_IN: Record<string, string[]> = {
  Jpan: ['Hani', 'Hira', 'Kana'],
  Kore: ['Hang', 'Hani'],
  Hans: ['Hani'],
  Hant: ['Hani'],
}

/**
 * Scripts a language is usually written in. A tag may name another script, or contain a part that only looks like one, such as
 * `en-orig`.
 */
function scriptsOf(tag: string): string[] {
  const known = [tag, baseOf(tag)].map(scriptOf).find((script) => script !== undefined && isScript(script))
  return known === undefined ? [] : (WRITTEN_IN[known] ?? [known])
}

function scriptOf(tag: string): string | undefined {
  try {
    return new Intl.Locale(tag).maximize().script
  } catch {
    return undefined
  }
}

function isScript(name: string): boolean {
  if (WRITTEN_IN[name]) return true
  try {
    return new RegExp(`\\p{Script=${name}}`, 'u').test('') === false
  } catch {
    return false
  }
}

const LETTER = /\p{L}/gu
const lettersIn = (text: string, scripts: readonly string[]): number =>
  text.match(new RegExp(`[${scripts.map((script) => `\\p{Script=${script}}`).join('')}]`, 'gu'))?.length ?? 0

/** Fewer letters are not enough to decide. */
const FEWEST_LETTERS = 20
/** Names and terms are often in Latin letters, whatever the language. */
const LEAST_SHARE_OF_LETTERS = 0.25

/**
 * @returns whether enough letters belong to the language's scripts; true also when there are too few letters to decide
 */
function hasItsLetters(text: string, tag: string): boolean {
  const letters = text.match(LETTER)?.length ?? 0
  const scripts = scriptsOf(tag)
  if (letters < FEWEST_LETTERS || scripts.length === 0) return true
  return lettersIn(text, scripts) / letters >= LEAST_SHARE_OF_LETTERS
}

const FEWEST_WORDS = 8
const FEWEST_OF_ANOTHER = 3
const TIMES_AS_MANY = 3
/**
 * For a language without a list of function words, only text that is clearly English is rejected: models tend to fall back to
 * English.
 */
const SHARE_OF_PLAIN_ENGLISH = 0.4

const littleWords = (words: readonly string[], language: string) =>
  words.filter((word) => STOP_WORDS.get(language)?.has(word)).length

/**
 * @returns whether it has many function words of another language and hardly any of this one
 */
function hasAnothersWords(text: string, language: string): boolean {
  const words = wordsOf(text)
  if (words.length < FEWEST_WORDS) return false
  if (!STOP_WORDS.has(language)) return littleWords(words, 'en') >= words.length * SHARE_OF_PLAIN_ENGLISH
  const least = Math.max(FEWEST_OF_ANOTHER, littleWords(words, language) * TIMES_AS_MANY)
  return [...STOP_WORDS.keys()].some((other) => littleWords(words, other) >= least)
}

/**
 * Whether a text may be in a language. It lets much pass, such as short texts and languages of one script without a list of
 * function words, but what it rejects is in another language.
 * @param like a text in that language, if there is one: some languages, such as Hindi, are sometimes written in Latin letters
 */
export function maybeOf(language: string, text: string, like?: string): boolean {
  const isWrittenOtherwise = like !== undefined && !hasItsLetters(like, language)
  if (isWrittenOtherwise) return true
  return hasItsLetters(text, language) && !hasAnothersWords(text, baseOf(language))
}

/** Scripts used almost only by one language. */
const OF_SCRIPT: [script: string, language: string][] = [
  ['Hira', 'ja'],
  ['Kana', 'ja'],
  ['Hang', 'ko'],
  ['Hani', 'zh'],
  ['Deva', 'hi'],
  ['Cyrl', 'ru'],
  ['Arab', 'ar'],
  ['Hebr', 'he'],
  ['Grek', 'el'],
  ['Thai', 'th'],
  ['Beng', 'bn'],
  ['Taml', 'ta'],
  ['Telu', 'te'],
  ['Gujr', 'gu'],
  ['Knda', 'kn'],
  ['Mlym', 'ml'],
  ['Guru', 'pa'],
]

const MUCH = 5_000
const LEAST_SHARE_OF_SCRIPT = 0.2
const LEAST_SHARE_OF_LITTLE_WORDS = 0.08

/** The language of a text as a tag; `und` (undetermined) if unclear. */
export function guessed(text: string): string {
  const sample = text.slice(0, MUCH)
  const letters = sample.match(LETTER)?.length ?? 0
  if (letters === 0) return 'und'
  for (const [script, language] of OF_SCRIPT) if (lettersIn(sample, [script]) / letters >= LEAST_SHARE_OF_SCRIPT) return language
  const words = wordsOf(sample)
  const [best, count] = [...STOP_WORDS.keys()]
    .map((language) => [language, littleWords(words, language)] as const)
    .reduce((a, b) => (b[1] > a[1] ? b : a))
  return count / words.length >= LEAST_SHARE_OF_LITTLE_WORDS ? best : 'und'
}
