/** A stretch of a transcript that a model is asked about at once. */
export interface Section {
  text: string
  /** Where it begins and ends, of the whole: from 0 to 1. */
  from: number
  to: number
}

/** About 100 minutes of speech. Far below what models take in: they overlook much in the midst of long texts, and some cost more then. */
export const SECTION_TOKENS = 24_000
/** About 13 hours of English. */
export const MOST_SECTIONS = 8

/** By and large, what models count: four Latin letters are one, a character of Chinese or two of Hindi nearly as much. */
const tokensOf = (text: string): number => Buffer.byteLength(text) / 4

/** What captions say of sounds: `[Music]`, `♪`, and `>>` for who speaks next. */
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

/** Longer than words are; where none end, it is cut as it is. */
const PIECE = /.{1,200}(?:\s|$)|.{1,200}/gsu

/**
 * Cuts what is said into sections of one size. What is longer than all of them together is not covered whole: then they are the
 * middles of as many stretches of it, evenly over its length.
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
