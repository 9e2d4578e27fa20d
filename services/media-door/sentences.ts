/** A row of a transcript, as the worker contract has it. Times in seconds. */
export interface Row {
  text: string
  offset: number
  duration: number
}

/** Longer sentences are divided between words: text that was heard may have no full stop at all. */
const LONGEST = 240
/** How fast people speak in videos, where nobody knows how long one lasts. */
export const WORDS_PER_MINUTE = 150

/** What stands below the head of two lines that the worker's text files have. */
export const belowHead = (file: string): string =>
  file
    .replace(/^\uFEFF/, '')
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .slice(2)
    .join('\n')
    .trim()

/**
 * Makes a transcript without times into rows: one per sentence, each as long as its share of the text is.
 *
 * @param language a tag such as `en`: where sentences and words end depends on it; any other text counts as unknown
 * @param seconds how long the video lasts; undefined when nobody knows, and then as long as it takes to say it at WORDS_PER_MINUTE
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

/** Of moments: a millisecond; never beyond the end. */
const roundedDown = (seconds: number) => Math.floor(seconds * 1000) / 1000
/** A difference of two rounded moments may lie a hair below what it is. */
const ROUNDING = 1e-6

const countWords = (text: string, words: Intl.Segmenter): number =>
  Math.max(1, [...words.segment(text)].filter(({ isWordLike }) => isWordLike).length)

/** Parts of a sentence that are not too long, divided before a word where there is one. */
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

/** Of a word without end: no character is divided. */
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
