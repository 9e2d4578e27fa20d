import { FEWEST, MOST } from '#events/study.ts'

// Which section a model is asked about next, and for how much.

/** How often a model is asked about one section, whether it answered or was in trouble. */
export const MOST_TRIES = 3
/** How often it is asked about all of a transcript. */
export const MOST_ASKED = 12

export interface Amount {
  cards: number
  questions: number
}

/** How things stand with a section. */
export interface Standing {
  /** How often it was asked about. */
  tries: number
  /** What good came of it. */
  got: Amount
  /** Whether the model will not answer about it at all. */
  isClosed: boolean
}

/** Of each section: the least that will do, and what is asked for, so that there is some choice. */
export const sharesOf = (sections: number) => ({
  fewest: Math.ceil(FEWEST / sections),
  wanted: Math.min(MOST, Math.ceil(MOST / sections) + (sections > 1 ? 1 : 0)),
})

const KINDS = ['cards', 'questions'] as const

const inAll = (sections: readonly Standing[]): Amount => ({
  cards: sections.reduce((sum, { got }) => sum + got.cards, 0),
  questions: sections.reduce((sum, { got }) => sum + got.questions, 0),
})

/** Says whether what there is will do. */
export const isEnough = (sections: readonly Standing[]): boolean => KINDS.every((kind) => inAll(sections)[kind] >= FEWEST)

/**
 * The section to ask about next: first those not asked about yet, in order; then those of which too little came; then, as long as
 * there is too little in all, the one asked about least. Undefined when there is enough, or nothing more may be asked.
 */
export function nextOf<T extends Standing>(sections: readonly T[]): T | undefined {
  const { fewest } = sharesOf(sections.length)
  if (sections.reduce((sum, { tries }) => sum + tries, 0) >= MOST_ASKED) return undefined
  const open = sections.filter(({ tries, isClosed }) => tries < MOST_TRIES && !isClosed).toSorted((a, b) => a.tries - b.tries)
  const isShort = ({ got }: T) => KINDS.some((kind) => got[kind] < fewest)
  return open.find(({ tries }) => tries === 0) ?? open.find(isShort) ?? (isEnough(sections) ? undefined : open[0])
}

/** How much to ask of a section: its share at first, later what is missing. */
export function amountFor({ tries, got }: Standing, sections: readonly Standing[]): Amount {
  const { fewest, wanted } = sharesOf(sections.length)
  if (tries === 0) return { cards: wanted, questions: wanted }
  const there = inAll(sections)
  const missing = (kind: (typeof KINDS)[number]) =>
    got[kind] >= fewest && there[kind] >= FEWEST ? 0 : Math.max(wanted - got[kind], FEWEST - there[kind])
  return { cards: missing('cards'), questions: missing('questions') }
}
