import type { Flashcard, Question } from '#events/study.ts'
import type { CardDraft, QuestionDraft } from './drafts.ts'
import type { Ground } from './grounding.ts'
import { baseOf, maybeOf } from './language.ts'
import { areAlike, plain } from './sameness.ts'

/** A defect of a model's draft; also sent to the model as text. */
export type Wrong =
  | 'a text is missing or too long'
  | 'front and back are the same'
  | 'there are not four different options'
  | 'correct_answer is not a place from 0 to 3'
  | 'an option speaks of other options'
  | 'it is not in the language that was asked for'
  | 'it is not said in the transcript, or its quote is not'
  | 'it says the same as another one'

export interface Checking {
  /** The transcript. */
  ground: Ground
  /** Language the study must have; undefined if unknown. */
  language: string | undefined
  isTranslated: boolean
  /** Sample text in that language, if the transcript is in it. */
  like: string | undefined
}

export type Verdict<T> = { good: T; at: number } | { wrong: Wrong }

/** Longer texts are hard to learn by heart. */
const LONGEST = 600

const isText = (text: string) => text.length > 0 && text.length <= LONGEST

/**
 * @param known the cards accepted before
 */
export function checkedCard(
  { quote, front, back }: CardDraft,
  known: readonly Flashcard[],
  checking: Checking,
): Verdict<Flashcard> {
  if (![front, back].every(isText)) return { wrong: 'a text is missing or too long' }
  if (plain(front) === plain(back)) return { wrong: 'front and back are the same' }
  const isKnown = (card: Flashcard) => areAlike(front, card.front) || areAlike(`${front} ${back}`, `${card.front} ${card.back}`)
  if (known.some(isKnown)) return { wrong: 'it says the same as another one' }
  return grounded({ front, back }, { quote, said: `${front} ${back}`, all: `${front} ${back}` }, checking)
}

/**
 * @param known the questions accepted before
 */
export function checkedQuestion(
  { quote, question, options: given, correct_answer }: QuestionDraft,
  known: readonly Question[],
  checking: Checking,
): Verdict<Question> {
  const options = withoutLabels(given)
  if (![question, ...options].every(isText)) return { wrong: 'a text is missing or too long' }
  if (options.length !== 4 || new Set(options.map(plain)).size !== 4) return { wrong: 'there are not four different options' }
  if (!Number.isInteger(correct_answer) || correct_answer < 0 || correct_answer > 3)
    return { wrong: 'correct_answer is not a place from 0 to 3' }
  if (options.some((option) => OF_OTHERS.test(option))) return { wrong: 'an option speaks of other options' }
  const right = options[correct_answer]!
  const isKnown = (one: Question) =>
    areAlike(question, one.question) || areAlike(`${question} ${right}`, `${one.question} ${one.options[one.correct_answer]}`)
  if (known.some(isKnown)) return { wrong: 'it says the same as another one' }
  const good = { question, options, correct_answer }
  return grounded(good, { quote, said: `${question} ${right}`, all: [question, ...options].join(' ') }, checking)
}

/**
 * @param texts `said`: the statement; `all`: the statement and the other options
 */
function grounded<T>(
  good: T,
  { quote, said, all }: { quote: string; said: string; all: string },
  { ground, language, isTranslated, like }: Checking,
): Verdict<T> {
  if (language !== undefined && !maybeOf(language, all, like)) return { wrong: 'it is not in the language that was asked for' }
  const areNamesCapital = language === undefined || baseOf(language) !== 'de'
  const at = ground.find({ quote, said, isTranslated, areNamesCapital })
  return at === undefined ? { wrong: 'it is not said in the transcript, or its quote is not' } : { good, at }
}

/** Options are shuffled, so none may refer to another. */
const OF_OTHERS =
  /^(all|none|both|neither) of (the|these)( (above|options|answers))?\.?$|\b(both|neither|options?|answers?) [A-D1-4] (and|or|nor) [A-D1-4]\b/i

/** Removes labels such as `A) …`, `B) …`: after the shuffle they would be wrong. */
function withoutLabels(options: readonly string[]): string[] {
  const parts = options.map((option) => /^\(?([A-Da-d1-4])[).:]\s+(.+)$/s.exec(option))
  const labels = parts.map((part) => part?.[1]?.toLowerCase()).join('')
  return ['abcd', '1234'].includes(labels) ? parts.map((part) => part![2]!) : [...options]
}
