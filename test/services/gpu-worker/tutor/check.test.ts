import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { Flashcard, Question } from '#events/study.ts'
import { type Checking, checkedCard, checkedQuestion } from '#services/gpu-worker/tutor/check.ts'
import type { CardDraft, QuestionDraft } from '#services/gpu-worker/tutor/drafts.ts'
import { groundOf } from '#services/gpu-worker/tutor/grounding.ts'
import { bees, beside, bienen, brot, lectures } from '#test/kit/lectures.ts'

const within = (said: string, language: string | undefined, isTranslated = false): Checking => ({
  ground: groundOf(said),
  language,
  isTranslated,
  like: isTranslated ? undefined : said,
})
const inBees = within(bees.said, 'en')
const [card] = bees.study.flashcards as [CardDraft]
const [question] = bees.study.quiz as [QuestionDraft]

const wrongCard = (draft: Partial<CardDraft>, known: Flashcard[] = []) => {
  const verdict = checkedCard({ ...card, ...draft }, known, inBees)
  return 'wrong' in verdict ? verdict.wrong : undefined
}
const wrongQuestion = (draft: Partial<QuestionDraft>, known: Question[] = []) => {
  const verdict = checkedQuestion({ ...question, ...draft }, known, inBees)
  return 'wrong' in verdict ? verdict.wrong : undefined
}

const OFF = 'it is not said in the transcript, or its quote is not'
const AGAIN = 'it says the same as another one'
const OPTIONS = 'there are not four different options'
const TEXT = 'a text is missing or too long'

/** What is good of a study, one after another as it is when a model gave it. */
function goodOf({ flashcards, quiz }: typeof bienen, checking: Checking) {
  const cards: Flashcard[] = []
  const questions: Question[] = []
  for (const draft of flashcards) {
    const verdict = checkedCard(draft, cards, checking)
    if ('good' in verdict) cards.push(verdict.good)
  }
  for (const draft of quiz) {
    const verdict = checkedQuestion(draft, questions, checking)
    if ('good' in verdict) questions.push(verdict.good)
  }
  return { cards, questions }
}

describe('the check of flashcards and questions', () => {
  for (const { language, said, study } of lectures)
    it(`takes all that holds to what is said in a lecture in ${language}`, () => {
      const { cards, questions } = goodOf(study, within(said, language))
      expect(cards).to.deep.equal(study.flashcards.map(({ front, back }) => ({ front, back })))
      expect(questions).to.deep.equal(study.quiz.map(({ quote: _, ...question }) => question))
    })

  it('takes what holds to a lecture in another language', () => {
    const { cards, questions } = goodOf(bienen, within(bees.said, 'de', true))
    expect([cards.length, questions.length]).to.deep.equal([5, 5])
  })

  it('refuses what is not said, whatever it quotes', () => {
    for (const { language, said, study } of lectures)
      for (const draft of beside)
        for (const quote of [draft.quote, study.flashcards[0]!.quote])
          expect(checkedCard({ ...draft, quote }, [], within(said, undefined)), `${language}: ${draft.front}`).to.deep.equal({
            wrong: OFF,
          })
  })

  it('refuses what is said in another lecture', () => {
    for (const one of lectures)
      for (const other of lectures)
        if (one !== other)
          expect(goodOf(one.study, within(other.said, undefined)).cards, `${one.language} in ${other.language}`).to.be.empty
  })

  it('hardly takes what is said elsewhere in a long text about something else, even with a quote from that text', () => {
    const foreign = [
      ...[...bees.study.flashcards, ...beside].map(({ quote, front, back }) => ({ quote, said: `${front} ${back}` })),
      ...bees.study.quiz.map(({ quote, question, options }) => ({ quote, said: `${question} ${options[0]}` })),
    ]
    const docs = join(import.meta.dirname, '../../../../docs/decisions')
    const long = readdirSync(docs)
      .map((name) => readFileSync(join(docs, name), 'utf8'))
      .join('\n')
    const words = long.split(/\s+/)
    const ground = groundOf(long)
    const isTaken = (said: string, quote: string) => ground.find({ quote, said, isTranslated: false }) !== undefined
    expect(foreign.filter(({ said, quote }) => isTaken(said, quote))).to.deep.equal([])
    const places = Array.from({ length: 80 }, (_, i) => Math.floor((i * (words.length - 12)) / 80))
    const taken = foreign.flatMap(({ said }) => places.filter((at) => isTaken(said, words.slice(at, at + 12).join(' '))))
    expect(taken.length / (foreign.length * places.length)).to.be.lessThan(0.06)
  })

  it('refuses what is translated when its quote is not there, or when no name and no number of it is', () => {
    const german = within(bees.said, 'de', true)
    const draft = { ...bienen.flashcards[1]!, quote: 'a man with a hat bought bread on the market that day' }
    expect(checkedCard(draft, [], german)).to.deep.equal({ wrong: OFF })
    const french = within(bees.said, 'fr', true)
    const off = { front: 'En 1789, que prit le peuple avec Robespierre ?', back: 'La Bastille, le 14 juillet, à Paris.' }
    expect(checkedCard({ quote: card.quote, ...off }, [], french)).to.deep.equal({ wrong: OFF })
  })

  it('takes names that another script writes otherwise', () => {
    const { said, study } = lectures.find(({ language }) => language === 'hi')!
    const draft = {
      quote: study.flashcards[2]!.quote,
      front: 'When does the monsoon reach the state of Kerala, and when does Tamil Nadu get it?',
      back: 'Kerala gets it around the first of June.',
    }
    expect(checkedCard(draft, [], within(said, 'en', true))).to.have.property('good')
  })

  it('takes a quote with a word missing or mended, and one with a gap', () => {
    for (const quote of [
      'It only says there is food close by, in any direction',
      'it only tells that there is FOOD, close-by, in every direction!',
      'But when … it only says that there is food close by',
    ])
      expect(wrongCard({ quote }), quote).to.equal(undefined)
  })

  it('does without the quote when most of what is claimed stands together', () => {
    const draft = {
      quote: 'no such words',
      front: 'How long does one kilometer waggle?',
      back: 'One second of waggling means a kilometer.',
    }
    expect(wrongCard(draft)).to.equal(undefined)
    expect(
      wrongCard({ ...draft, front: 'Where do penguins breed?', back: 'On the ice of Antarctica, one kilometer inland.' }),
    ).to.equal(OFF)
  })

  it('knows where a thing is said', () => {
    const at = (draft: CardDraft) => (checkedCard(draft, [], inBees) as { at: number }).at
    const places = bees.study.flashcards.map(at)
    expect(places).to.deep.equal(places.toSorted((a, b) => a - b))
    expect(places[0]).to.be.within(0, 0.3)
    expect(places.at(-1)).to.be.within(0.7, 1)
  })

  it('refuses cards that are none', () => {
    expect(wrongCard({ back: '' })).to.equal(TEXT)
    expect(wrongCard({ front: 'bees '.repeat(200) })).to.equal(TEXT)
    expect(wrongCard({ back: `${card.front.toUpperCase()} ` })).to.equal('front and back are the same')
  })

  it('refuses the same again, and nearly the same', () => {
    const known = [{ front: card.front, back: card.back }]
    expect(wrongCard({ back: 'Food is near.' }, known)).to.equal(AGAIN)
    expect(wrongCard({ front: 'what does the round dance tell other bees' }, known)).to.equal(AGAIN)
    const { front, back } = bees.study.flashcards[1]!
    expect(wrongCard({ front, back, quote: bees.study.flashcards[1]!.quote }, known)).to.equal(undefined)
    const { quote: _, ...same } = question
    expect(wrongQuestion({ options: ['Karl von Frisch', 'w', 'x', 'y'] }, [same])).to.equal(AGAIN)
  })

  it('does not take another number for the same', () => {
    const front = 'What did Frisch see when the dish was 10 meters from the hive?'
    const known = [{ front: front.replace('10', '300'), back: 'A dance' }]
    expect(wrongCard({ front, back: 'A dance' }, known)).to.equal(undefined)
  })

  it('refuses questions without four different options or without a right one', () => {
    const [a, b, c] = question.options as [string, string, string]
    expect(wrongQuestion({ options: [a, b, c] })).to.equal(OPTIONS)
    expect(wrongQuestion({ options: [a, b, c, 'x', 'y'] })).to.equal(OPTIONS)
    expect(wrongQuestion({ options: [a, b, c, ` ${a.toUpperCase()}.`] })).to.equal(OPTIONS)
    expect(wrongQuestion({ options: [a, b, c, ''] })).to.equal(TEXT)
    for (const correct_answer of [-1, 4, 1.5, Number.NaN])
      expect(wrongQuestion({ correct_answer }), String(correct_answer)).to.equal('correct_answer is not a place from 0 to 3')
    expect(wrongQuestion({ options: [a, 'C', 'C++', 'C#'] })).to.equal(undefined)
  })

  it('refuses options that speak of others, for they are mixed', () => {
    const [a, b, c] = question.options as [string, string, string]
    for (const option of ['All of the above', 'None of these.', 'Both A and B'])
      expect(wrongQuestion({ options: [a, b, c, option] }), option).to.equal('an option speaks of other options')
    expect(wrongQuestion({ options: [a, b, c, 'All of the bees'] })).to.equal(undefined)
  })

  it('takes labels off options, for the same reason', () => {
    const labelled = question.options.map((option, i) => `${'ABCD'[i]}) ${option}`)
    const verdict = checkedQuestion({ ...question, options: labelled }, [], inBees) as { good: Question }
    expect(verdict.good.options).to.deep.equal(question.options)
  })

  it('refuses what is in another language than was asked for', () => {
    const wrong = 'it is not in the language that was asked for'
    expect(checkedCard(card, [], within(bees.said, 'hi', true))).to.deep.equal({ wrong })
    expect(checkedQuestion(question, [], within(bees.said, 'hi', true))).to.deep.equal({ wrong })
    expect(checkedCard(brot.study.flashcards[3]!, [], within(brot.said, 'en', true))).to.deep.equal({ wrong })
  })

  it('lets through only what may be stored, whatever it is given', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom(card.front, card.back, ...question.options))
    const drafts = fc.record({
      quote: fc.oneof(text, fc.constant(card.quote)),
      front: text,
      back: text,
      question: text,
      options: fc.array(text, { maxLength: 6 }),
      correct_answer: fc.oneof(fc.integer({ min: -1, max: 5 }), fc.double()),
    })
    fc.assert(
      fc.property(drafts, fc.constantFrom('en', 'hi', 'xx', undefined), (draft, language) => {
        const checking = within(bees.said, language)
        const one = checkedCard(draft, [], checking)
        if ('good' in one) expect(Flashcard.parse(one.good)).to.deep.equal(one.good)
        const other = checkedQuestion(draft, [], checking)
        if ('good' in other) {
          expect(Question.parse(other.good)).to.deep.equal(other.good)
          expect(new Set(other.good.options).size).to.equal(4)
        }
        for (const verdict of [one, other]) if ('good' in verdict) expect(verdict.at).to.be.within(0, 1)
      }),
      { numRuns: 300 },
    )
  })
})
