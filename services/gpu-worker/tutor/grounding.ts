import { numbersOf, stemAt, stemsOf, wordsOf } from './words.ts'

/** A text in which statements can be looked up. */
export interface Ground {
  /** Place that supports the statement, relative to the text's length: from 0 to 1; undefined if unsupported. */
  find(statement: Statement): number | undefined
}

export interface Statement {
  /** Words copied from the text to support the statement. */
  quote: string
  /** The statement itself, in any language. */
  said: string
  /** True if the statement is in another language than the text; then only names and numbers are the same. */
  isTranslated: boolean
  /** Whether capitals identify names: in German all nouns have them. */
  areNamesCapital?: boolean
}

/** A quote may omit or correct a word. */
const LEAST_OF_QUOTE = 0.7
const FEWEST_QUOTED = 3
const MOST_QUOTED = 40
/** Words around a quote that still belong to its subject, roughly a minute to each side. */
const NEARBY = 150
/** Share of the statement's words that must be near the quote; or together anywhere, if the quote is not found. */
const LEAST_NEAR_QUOTE = 0.25
const LEAST_WITHOUT_QUOTE = 0.6
const FEWEST_WITHOUT_QUOTE = 3
/** At most this many occurrences of a word are tried. */
const MOST_PLACES = 300
const RAREST = 4

/**
 * Indexes a text so that statements can be looked up.
 *
 * A statement has to come with a quote. The quote is found where most of its words stand together, and some of the statement's own words
 * must be near. A statement whose quote is not found still counts if most of its words stand together somewhere. In translation the
 * statement's words cannot be compared: then the quote must be found, and if the statement has several numbers and names, at least one must
 * occur. (Numbers are ignored when the text spells them out, names when the text is not in Latin letters.)
 */
export function groundOf(text: string): Ground {
  const words = wordsOf(text)
  const places = Map.groupBy(words.keys(), (i) => words[i]!)
  const stems = new Map<string, number[]>()
  for (const i of words.keys()) {
    const stem = stemAt(words, i)
    if (stem === undefined) continue
    const known = stems.get(stem)
    if (known) known.push(i)
    else stems.set(stem, [i])
  }
  const hasNumbers = numbersOf(words).length > 0
  const isLatin = words.filter((word) => /^\p{Script=Latin}/u.test(word)).length > words.length / 2
  const at = (i: number) => (words.length === 0 ? 0 : i / words.length)

  /** Position where most of a quote's words stand together. */
  function quoted(quote: string): number | undefined {
    const wanted = longestOf(quote).slice(0, MOST_QUOTED)
    if (wanted.length < FEWEST_QUOTED) return undefined
    const counts = new Map<string, number>()
    for (const word of wanted) counts.set(word, (counts.get(word) ?? 0) + 1)
    const rarest = [...wanted.keys()]
      .filter((i) => places.has(wanted[i]!))
      .sort((a, b) => places.get(wanted[a]!)!.length - places.get(wanted[b]!)!.length)
      .slice(0, RAREST)
    let best = { share: 0, start: 0 }
    for (const i of rarest)
      for (const place of places.get(wanted[i]!)!.slice(0, MOST_PLACES)) {
        const start = Math.max(0, place - i)
        const share = sharedWith(counts, words, start - 2, start + wanted.length + 2) / wanted.length
        if (share > best.share) best = { share, start }
      }
    return best.share >= LEAST_OF_QUOTE ? best.start : undefined
  }

  /** Number of stems that occur near a position. */
  const near = (wanted: ReadonlySet<string>, place: number) =>
    [...wanted].filter((stem) => stems.get(stem)?.some((i) => Math.abs(i - place) <= NEARBY)).length

  /** The position where most of the stems stand together. */
  function gathered(wanted: ReadonlySet<string>) {
    const found = [...wanted].flatMap((stem) => (stems.get(stem) ?? []).map((i) => [i, stem] as const)).sort(([a], [b]) => a - b)
    const within = new Map<string, number>()
    let best = { count: 0, place: 0 }
    let first = 0
    for (const [i, stem] of found) {
      within.set(stem, (within.get(stem) ?? 0) + 1)
      for (; found[first]![0] < i - NEARBY; first++) {
        const gone = found[first]![1]
        const left = within.get(gone)! - 1
        if (left === 0) within.delete(gone)
        else within.set(gone, left)
      }
      if (within.size > best.count) best = { count: within.size, place: found[first]![0] }
    }
    return best
  }

  return {
    find({ quote, said, isTranslated, areNamesCapital = true }) {
      const place = quoted(quote)
      if (isTranslated) {
        if (place === undefined) return undefined
        const numbers = hasNumbers ? numbersOf(wordsOf(said)) : []
        const names = isLatin && areNamesCapital ? namesOf(said) : []
        const fixed = new Set([...numbers, ...names])
        return fixed.size >= 2 && ![...fixed].some((stem) => stems.has(stem)) ? undefined : at(place)
      }
      const wanted = stemsOf(said)
      if (place !== undefined && near(wanted, place) >= wanted.size * LEAST_NEAR_QUOTE) return at(place)
      const { count, place: other } = gathered(wanted)
      return count >= FEWEST_WITHOUT_QUOTE && count >= wanted.size * LEAST_WITHOUT_QUOTE ? at(other) : undefined
    },
  }
}

/** The longest part of a quote with gaps. */
const longestOf = (quote: string): string[] =>
  quote
    .split(/\.{3}|…/)
    .map(wordsOf)
    .reduce((a, b) => (b.length > a.length ? b : a))

/** Number of wanted words between two positions; each counts at most as often as wanted. */
function sharedWith(wanted: ReadonlyMap<string, number>, words: readonly string[], from: number, to: number): number {
  const left = new Map(wanted)
  let shared = 0
  for (let i = Math.max(0, from); i < Math.min(words.length, to); i++) {
    const count = left.get(words[i]!)
    if (!count) continue
    left.set(words[i]!, count - 1)
    shared++
  }
  return shared
}

/** Stems of words capitalized within a sentence. */
const namesOf = (text: string): string[] =>
  [...text.matchAll(/(?<=[\p{Ll}\p{N},] )\p{Lu}[\p{L}\p{M}]+/gu)].flatMap(([name]) => [...stemsOf(name)])
