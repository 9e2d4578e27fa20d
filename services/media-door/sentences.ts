/** A row of a transcript, as defined by the worker contract. Times in seconds. */
export interface Row {
  text: string
  offset: number
  duration: number
}

/** Longer sentences are divided between words: transcribed text may have no full stop at all. */
const LONGEST = 240
/** Assumed speed of speech in videos of unknown length. */
export const WORDS_PER_MINUTE = 150

/** Text below the two head lines of a worker's text file. */
export const belowHead = (file: string): string =>
  file
    .replace(/^\uFEFF/, '')
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .slice(2)
    .join('\n')
    .trim()

/**
 * Makes rows from a transcript without times: one row per sentence, with a duration proportional to its length.
 *
 * @param language a tag such as `en`, which determines the boundaries of sentences and words; any other text counts as unknown
 * @param seconds length of the video; if undefined, estimated with WORDS_PER_MINUTE
 * @returns no row when there is no text
 */
export function rowsOf(
  text: string,
  { language, seconds }: { language?: string | undefined; seconds?: number | undefined },
): Row[] {
  const locale = localeOf(language)
  const words = new Intl.Segmenter(locale, { granularity: 'word' })
  const flowing = text.replaceAll(/\s+/g, ' ').trim()
  const texts = [...new Intl.Segmenter(locale, { granularity: 'sentence' }).segment(flowing)]
    .map(({ segment }) => segment.trim())
    .filter((sentence) => sentence !== '')
    .flatMap((sentence) => (sentence.length > LONGEST ? divided(sentence, words) : [sentence]))
  const total = seconds ?? (countWords(flowing, words) / WORDS_PER_MINUTE) * 60
  const whole = texts.reduce((sum, { length }) => sum + length, 0)
  let told = 0
  const momentOf = () => roundedDown((total * told) / whole)
  return texts.map((text) => {
    const offset = momentOf()
    told += text.length
    return { text, offset, duration: roundedDown(momentOf() - offset + ROUNDING) }
  })
}

const localeOf = (language: string | undefined): string | undefined => {
  try {
    return Intl.getCanonicalLocales(language)[0]
  } catch {
    return undefined
  }
}

/** Milliseconds, rounded down so that no row ends after the video. */
const roundedDown = (seconds: number) => Math.floor(seconds * 1000) / 1000
/** The difference of two rounded moments may be slightly too small in floating point. */
const ROUNDING = 1e-6

const countWords = (text: string, words: Intl.Segmenter): number =>
  Math.max(1, [...words.segment(text)].filter(({ isWordLike }) => isWordLike).length)

/** Splits a long sentence into parts, between words if possible. */
function divided(sentence: string, words: Intl.Segmenter): string[] {
  const parts: string[] = []
  let part = ''
  for (const { segment } of words.segment(sentence)) {
    for (const piece of segment.length > LONGEST ? piecesOf(segment) : [segment]) {
      if (part.length + piece.length > LONGEST) {
        parts.push(part)
        part = ''
      }
      part += piece
    }
  }
  return [...parts, part].map((one) => one.trim()).filter((one) => one !== '')
}

/** Splits an overlong word between characters. */
function piecesOf(word: string): string[] {
  const pieces: string[] = []
  let piece = ''
  for (const character of word) {
    if (piece.length + character.length > LONGEST) {
      pieces.push(piece)
      piece = ''
    }
    piece += character
  }
  return [...pieces, piece]
}
