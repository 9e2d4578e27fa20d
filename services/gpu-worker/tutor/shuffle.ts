import { createHash } from 'node:crypto'
import type { Question } from '#events/study.ts'

/** Deterministic random numbers from 0 to 1, seeded by a text. */
function chance(seed: string): () => number {
  let state = createHash('sha256').update(seed).digest().readUInt32LE()
  // mulberry32
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

function shuffled<T>(items: readonly T[], next: () => number): T[] {
  const mixed = [...items]
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!]
  }
  return mixed
}

/**
 * Shuffles the options of each question, so that the right one has each position about equally often: models put it first too
 * often. The same quiz always gives the same result, so repeated work does not change it.
 */
export function mixed(quiz: readonly Question[]): Question[] {
  const next = chance(JSON.stringify(quiz.map(({ question, options }) => [question, [...options].sort()])))
  const places = shuffled(
    quiz.map((_, i) => i % 4),
    next,
  )
  return quiz.map(({ question, options, correct_answer }, i) => {
    const right = options[correct_answer]!
    const wrong = [...options.slice(0, correct_answer), ...options.slice(correct_answer + 1)].sort()
    return { question, options: shuffled(wrong, next).toSpliced(places[i]!, 0, right), correct_answer: places[i]! }
  })
}
