import { z } from 'zod'
import { type Form, objectOf } from '#platform/llm/formed.ts'

/** Form of a model's answer: each item comes with the words of the transcript that support it. */
export const form: Form = {
  name: 'study',
  schema: objectOf({
    flashcards: {
      type: 'array',
      items: objectOf({
        quote: { type: 'string', description: 'words of the transcript, copied exactly, that this card rests on' },
        front: { type: 'string' },
        back: { type: 'string' },
      }),
    },
    quiz: {
      type: 'array',
      items: objectOf({
        quote: { type: 'string', description: 'words of the transcript, copied exactly, that the right answer rests on' },
        question: { type: 'string' },
        options: { type: 'array', items: { type: 'string' }, description: 'four' },
        correct_answer: { type: 'integer', description: 'place of the right option, from 0 to 3' },
      }),
    },
  }),
}

const text = z.string().transform((text) =>
  text
    .toWellFormed()
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim(),
)

const CardDraft = z.object({ quote: text, front: text, back: text })
const QuestionDraft = z.object({ quote: text, question: text, options: z.array(text), correct_answer: z.number() })

export type CardDraft = z.output<typeof CardDraft>
export type QuestionDraft = z.output<typeof QuestionDraft>
export interface Drafts {
  cards: CardDraft[]
  questions: QuestionDraft[]
}

const Answer = z.object({ flashcards: z.array(z.unknown()).catch([]), quiz: z.array(z.unknown()).catch([]) })

/** A model may return far more items than asked for. */
const MOST_READ = 50

/** Parses a model's answer; undefined when it does not have the form at all. Single malformed items are dropped. */
export function draftsIn(answer: string): Drafts | undefined {
  const { data } = Answer.safeParse(jsonIn(answer))
  return data && { cards: each(CardDraft, data.flashcards), questions: each(QuestionDraft, data.quiz) }
}

const each = <T extends z.ZodType>(schema: T, items: unknown[]): z.output<T>[] =>
  items.slice(0, MOST_READ).flatMap((item) => schema.safeParse(item).data ?? [])

/** Some models put JSON in a code fence. */
function jsonIn(answer: string): unknown {
  try {
    return JSON.parse(/^\s*```(?:json)?\s*\n([\s\S]*?)\n?\s*```\s*$/.exec(answer)?.[1] ?? answer)
  } catch {
    return undefined
  }
}
