import { z } from 'zod'

/** The contents of a study of a video, in the exact form of the objects that workers store (see the worker contract). */

const line = z.string().min(1).max(2_000)

export const Flashcard = z.object({ front: line, back: line })
export const Question = z.object({
  question: line,
  options: z.array(line).length(4),
  /** Index of the correct option. */
  correct_answer: z.int().min(0).max(3),
})

/** Bounds for the flashcards and for the questions. */
export const FEWEST = 5
export const MOST = 10

export const Flashcards = z.array(Flashcard).min(FEWEST).max(MOST)
export const Quiz = z.array(Question).min(FEWEST).max(MOST)

export type Flashcard = z.output<typeof Flashcard>
export type Question = z.output<typeof Question>
