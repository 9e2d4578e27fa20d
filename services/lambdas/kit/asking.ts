import { setTimeout as delay } from 'node:timers/promises'
import { type Answerer, ModelError, type Question } from '#platform/llm/answerer.ts'
import { asMaterial } from '#platform/llm/material.ts'
import type { Lengths } from './environment.ts'

export interface AskOptions {
  lengths: Lengths
  /** Maximum number of questions. */
  attempts: number
  signal: AbortSignal
  /** Pause after a temporary error of the model, in milliseconds; doubled each time. */
  pauseMs?: number
}

const PAUSE_MS = 1_000

/**
 * Asks until the answer has the right length. After a wrong answer the model is told what was wrong; after a temporary error the
 * same question is repeated.
 * @throws ModelError, or Error when no answer had the right length
 */
export async function ask(
  model: Answerer,
  question: Question,
  { lengths, attempts, signal, pauseMs = PAUSE_MS }: AskOptions,
): Promise<string> {
  let text = question.text
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt >= attempts
    try {
      const answer = tidied(await model.answer({ ...question, text }, signal))
      const wrong = wrongLength(answer, lengths)
      if (wrong === undefined) return answer
      if (isLast) throw new Error(`${model.name} gave no fitting answer in ${attempt} attempts: ${wrong}`)
      text = `${question.text}\n\n${complaint(answer, wrong, lengths)}`
    } catch (error) {
      if (isLast || !(error instanceof ModelError) || !error.isTemporary) throw error
      await delay(pauseMs * 2 ** (attempt - 1) * (0.5 + Math.random()), undefined, { signal })
    }
  }
}

/** Puts an answer on one line, without the quotes that some models add. */
export function tidied(answer: string): string {
  const line = answer.replace(/\s+/g, ' ').trim()
  const quoted = /^(?:"([^"]*)"|“([^“”]*)”|`([^`]*)`)$/.exec(line)
  return (quoted?.[1] ?? quoted?.[2] ?? quoted?.[3] ?? line).trim()
}

/** Says what is wrong with an answer's length; undefined if nothing is. Counts code points. */
export function wrongLength(answer: string, { min, max }: Lengths): string | undefined {
  // A code point has at most two UTF-16 units. Far too long answers are not split: they may have megabytes.
  const length = answer.length > 2 * max ? answer.length : [...answer].length
  if (length < min) return `it has ${length} characters, fewer than ${min}`
  if (length > max) return `it has ${length} characters, more than ${max}`
  return undefined
}

/** Limits how much of a wrong answer is repeated to the model. */
const MOST_REPEATED = 2_000

const complaint = (answer: string, wrong: string, { min, max }: Lengths) =>
  `Your last answer cannot be used: ${wrong}. It was:\n<answer>${asMaterial(answer).slice(0, MOST_REPEATED)}</answer>\n` +
  `Write it again, with at least ${min} and at most ${max} characters, blanks included.`
