import { setTimeout as delay } from 'node:timers/promises'
import { FEWEST, type Flashcard, MOST, type Question } from '#events/study.ts'
import { type Answerer, ModelError } from '#platform/llm/formed.ts'
import { StudyError } from '../ports.ts'
import { type Checking, checkedCard, checkedQuestion, type Verdict, type Wrong } from './check.ts'
import { draftsIn } from './drafts.ts'
import { groundOf } from './grounding.ts'
import { studyQuestion } from './prompt.ts'
import type { Section } from './sections.ts'
import { chosen, type Placed } from './selection.ts'
import { mixed } from './shuffle.ts'
import { type Amount, amountFor, isEnough, nextOf, type Standing, sharesOf } from './turns.ts'

/** Temporary errors in a row after which the model counts as away. */
const MOST_FAILURES = 3

export interface Making {
  model: Answerer
  sections: readonly Section[]
  title: string | undefined
  /** See `Checking`. */
  language: string | undefined
  isTranslated: boolean
  /** Whether the study is in the language that the transcript claims to have. */
  isWrittenAlike: boolean
  signal: AbortSignal
  onProgress?: ((done: number) => void) | undefined
  /** Pause after a temporary error; four times as long after each further one. */
  pauseMs: number
}

export interface Made {
  flashcards: Flashcard[]
  quiz: Question[]
}

interface Asked extends Standing {
  section: Section
  checking: Checking
  /** Problems of the last answer. */
  wrong: Wrong[]
  wasUnreadable: boolean
}

/**
 * Asks about each section, and again where too few items came, until there are enough or the limits of `turns.ts` are reached. Good
 * items are kept.
 * @throws StudyError; the reason of `signal` when aborted
 */
export async function make(making: Making): Promise<Made> {
  const { model, sections, title, language, isTranslated, isWrittenAlike, signal, onProgress, pauseMs } = making
  const isPart = sections.length > 1
  const { fewest } = sharesOf(sections.length)
  const all = sections.map(
    (section): Asked => ({
      section,
      checking: { ground: groundOf(section.text), language, isTranslated, like: isWrittenAlike ? section.text : undefined },
      tries: 0,
      got: { cards: 0, questions: 0 },
      isClosed: false,
      wrong: [],
      wasUnreadable: false,
    }),
  )
  const cards: Placed<Flashcard>[] = []
  const questions: Placed<Question>[] = []
  const found: string[] = []
  let asked = 0
  let failures = 0
  let lastFailure: ModelError | undefined

  const items = <T>(placed: readonly Placed<T>[]) => placed.map(({ item }) => item)

  /** Keeps the good items of an answer, and remembers the problems of the rest. */
  function keep(one: Asked, answer: string) {
    const drafts = draftsIn(answer)
    one.wrong = []
    one.wasUnreadable = drafts === undefined
    if (!drafts) return void found.push('its answer was not JSON, or incomplete')
    const take = <T>(verdict: Verdict<T>, kept: Placed<T>[], kind: keyof Amount) => {
      if ('wrong' in verdict) return void one.wrong.push(verdict.wrong)
      kept.push(placedIn(one.section, verdict))
      one.got[kind]++
    }
    for (const draft of drafts.cards) take(checkedCard(draft, items(cards), one.checking), cards, 'cards')
    for (const draft of drafts.questions) take(checkedQuestion(draft, items(questions), one.checking), questions, 'questions')
    found.push(...one.wrong)
  }

  /**
   * @throws StudyError when asking again cannot help
   */
  function give(one: Asked, error: unknown) {
    if (!(error instanceof ModelError)) throw error
    if (error.isTemporary) {
      lastFailure = error
      failures++
      return
    }
    if (error.status !== undefined)
      throw new StudyError('set-up', `${error.message}; look at the key and at STUDY_PROVIDER and STUDY_MODEL`, { cause: error })
    // The model may refuse only this section.
    one.isClosed = true
    found.push(error.message)
  }

  for (let one = nextOf(all); one && failures < MOST_FAILURES; one = nextOf(all)) {
    if (failures > 0) await delay(pauseMs * 4 ** (failures - 1) * (0.5 + Math.random()), undefined, { signal }).catch(() => {})
    signal.throwIfAborted()
    const { section, wrong, wasUnreadable } = one
    const amount = amountFor(one, all)
    const before = { cards: items(cards), questions: items(questions), wrong, wasUnreadable }
    const question = studyQuestion({ title, transcript: section.text, isPart, language }, { ...amount, fewest }, before)
    one.tries++
    asked++
    try {
      keep(one, await model.answer(question, signal))
      failures = 0
    } catch (error) {
      signal.throwIfAborted()
      give(one, error)
    }
    onProgress?.(all.filter(({ tries }) => tries > 0).length / all.length)
  }
  if (isEnough(all)) return { flashcards: chosen(cards, MOST), quiz: mixed(chosen(questions, MOST)) }
  if (lastFailure) throw new StudyError('away', `${lastFailure.message}; asked ${asked} times`, { cause: lastFailure })
  const came = `${cards.length} flashcards and ${questions.length} questions of at least ${FEWEST} each`
  throw new StudyError('refused', `${model.name} gave ${came} that can be used, asked ${asked} times${why(found)}`)
}

const placedIn = <T>({ from, to }: Section, { good, at }: { good: T; at: number }): Placed<T> => ({
  item: good,
  at: from + at * (to - from),
})

/** Distinct reasons with their counts. */
const why = (found: readonly string[]) =>
  [...Map.groupBy(found, (reason) => reason)].map(([reason, times]) => `; ${reason} (${times.length})`).join('')
