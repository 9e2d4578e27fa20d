/** A part of a transcript that a model is asked about at once. */
export interface Section {
  text: string
  /** Begin and end, relative to the whole: from 0 to 1. */
  from: number
  to: number
}

/**
 * About 100 minutes of speech. Far below models' limits: they overlook much in the middle of long texts, and some cost more for
 * them.
 */
export const SECTION_TOKENS = 24_000
/** About 13 hours of English. */
export const MOST_SECTIONS = 8

/** Rough estimate of a model's count: four Latin letters are one token; a Chinese character, or two of Hindi, nearly as much. */
const tokensOf = (text: string): number => Buffer.byteLength(text) / 4

/** Sounds in captions: `[Music]`, `♪`, and `>>` for a change of speaker. */
const SOUNDS = /\[[^\]]{0,40}\]|[♪♫]|>>+/g

/** All that is said, in one line. */
export const spoken = (rows: readonly { text: string }[]): string =>
  rows
    .map(({ text }) => text)
    .join(' ')
    .toWellFormed()
    .replace(SOUNDS, ' ')
    .replace(/\s+/g, ' ')
    .trim()

/** Pieces end at a blank; text without blanks is cut after 200 characters. */
const PIECE = /.{1,200}(?:\s|$)|.{1,200}/gsu

/**
 * Cuts a transcript into sections of equal size. A transcript longer than `most` sections is covered in part: it is divided into
 * `most` equal stretches, and each section is the middle of one.
 */
export function sectionsOf(text: string, { tokens = SECTION_TOKENS, most = MOST_SECTIONS } = {}): Section[] {
  const pieces = text.match(PIECE) ?? []
  const whole = tokensOf(text)
  const count = Math.min(most, Math.max(1, Math.ceil(whole / tokens)))
  const stretch = whole / count
  const skipped = Math.max(0, stretch - tokens) / 2
  const cut = Array.from({ length: count }, () => [] as string[])
  let said = 0
  for (const piece of pieces) {
    const own = tokensOf(piece)
    const middle = said + own / 2
    const i = Math.min(count - 1, Math.floor(middle / stretch))
    const into = middle - i * stretch
    if (into >= skipped && into < stretch - skipped) cut[i]!.push(piece)
    said += own
  }
  return cut.map((pieces, i) => ({
    text: pieces.join('').trim(),
    from: (i * stretch + skipped) / whole,
    to: ((i + 1) * stretch - skipped) / whole,
  }))
}
