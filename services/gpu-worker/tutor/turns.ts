import { FEWEST, MOST } from '#events/study.ts'

// Decides which section a model is asked about next, and for how many items.

/** Questions about one section, including failed ones. */
export const MOST_TRIES = 3
/** Questions about a whole transcript. */
export const MOST_ASKED = 12

export interface Amount {
  cards: number
  questions: number
}

/** State of a section. */
export interface Standing {
  /** Number of questions so far. */
  tries: number
  /** Accepted items. */
  got: Amount
  /** Whether the model refuses to answer about it. */
  isClosed: boolean
}

/** Per section: the minimum, and the number asked for, which leaves some choice. */
export const sharesOf = (sections: number) => ({
  fewest: Math.ceil(FEWEST / sections),
  wanted: Math.min(MOST, Math.ceil(MOST / sections) + (sections > 1 ? 1 : 0)),
})

const KINDS = ['cards', 'questions'] as const

const inAll = (sections: readonly Standing[]): Amount => ({
  cards: sections.reduce((sum, { got }) => sum + got.cards, 0),
  questions: sections.reduce((sum, { got }) => sum + got.questions, 0),
})

/** Whether there are enough items in all. */
export const isEnough = (sections: readonly Standing[]): boolean => KINDS.every((kind) => inAll(sections)[kind] >= FEWEST)

/**
 * The section to ask about next: first sections not asked about yet, in order; then sections with too few items; then, while there
 * are too few in all, the one asked about least. Undefined when there are enough, or the limits are reached.
 */
export function nextOf<T extends Standing>(sections: readonly T[]): T | undefined {
  const { fewest } = sharesOf(sections.length)
  if (sections.reduce((sum, { tries }) => sum + tries, 0) >= MOST_ASKED) return undefined
  const open = sections.filter(({ tries, isClosed }) => tries < MOST_TRIES && !isClosed).toSorted((a, b) => a.tries - b.tries)
  const isShort = ({ got }: T) => KINDS.some((kind) => got[kind] < fewest)
  return open.find(({ tries }) => tries === 0) ?? open.find(isShort) ?? (isEnough(sections) ? undefined : open[0])
}

/** Number of items to ask for: the section's share at first, later what is missing. */
export function amountFor({ tries, got }: Standing, sections: readonly Standing[]): Amount {
  const { fewest, wanted } = sharesOf(sections.length)
  if (tries === 0) return { cards: wanted, questions: wanted }
  const there = inAll(sections)
  const missing = (kind: (typeof KINDS)[number]) =>
    got[kind] >= fewest && there[kind] >= FEWEST ? 0 : Math.max(wanted - got[kind], FEWEST - there[kind])
  return { cards: missing('cards'), questions: missing('questions') }
}
