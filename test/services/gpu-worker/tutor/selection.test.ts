import { expect } from 'chai'
import fc from 'fast-check'
import type { Question } from '#events/study.ts'
import { areAlike } from '#services/gpu-worker/tutor/sameness.ts'
import { chosen } from '#services/gpu-worker/tutor/selection.ts'
import { mixed } from '#services/gpu-worker/tutor/shuffle.ts'

const placed = fc
  .array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }) }), { maxLength: 40 })
  .map((list) => list.map(({ at }, i) => ({ at, item: { i, at } })))

describe('the choice of what there is', () => {
  it('takes as many as it may, in order of place, from every stretch before two from one', () =>
    fc.assert(
      fc.property(placed, (all) => {
        const some = chosen(all, 10)
        expect(some).to.have.length(Math.min(10, all.length))
        expect(some).to.deep.equal(some.toSorted((a, b) => a.at - b.at))
        const stretch = ({ at }: { at: number }) => Math.min(9, Math.floor(at * 10))
        expect(new Set(some.map(stretch))).to.deep.equal(new Set(all.map(stretch)))
      }),
    ))
})

const quiz = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 5, maxLength: 10 }).chain((questions) =>
  fc.tuple(
    ...questions.map((question) =>
      fc.record({
        question: fc.constant(question),
        options: fc.uniqueArray(fc.string(), { minLength: 4, maxLength: 4 }),
        correct_answer: fc.integer({ min: 0, max: 3 }),
      }),
    ),
  ),
)

describe('the mixing of options', () => {
  const rightOf = ({ options, correct_answer }: Question) => options[correct_answer]

  it('keeps questions, options and which is right', () =>
    fc.assert(
      fc.property(quiz, (quiz) => {
        const after = mixed(quiz)
        expect(after.map(({ question }) => question)).to.deep.equal(quiz.map(({ question }) => question))
        expect(after.map(rightOf)).to.deep.equal(quiz.map(rightOf))
        expect(after.map(({ options }) => options.toSorted())).to.deep.equal(quiz.map(({ options }) => options.toSorted()))
      }),
    ))

  it('puts the right one in each place about as often', () =>
    fc.assert(
      fc.property(quiz, (quiz) => {
        const counts = [0, 1, 2, 3].map((place) => mixed(quiz).filter(({ correct_answer }) => correct_answer === place).length)
        expect(Math.max(...counts) - Math.min(...counts)).to.be.at.most(1)
      }),
    ))

  it('comes out the same for the same quiz, in whatever order its options were given', () =>
    fc.assert(
      fc.property(quiz, (quiz) => {
        const turned = quiz.map(({ question, options, correct_answer }) => ({
          question,
          options: options.toReversed(),
          correct_answer: 3 - correct_answer,
        }))
        expect(mixed(turned)).to.deep.equal(mixed(quiz))
      }),
    ))
})

describe('likeness', () => {
  it('is there between a text and itself, in whatever case and with whatever signs', () =>
    fc.assert(fc.property(fc.lorem(), (text) => areAlike(text, ` ${text.toUpperCase()}?`))))

  it('is mutual', () =>
    fc.assert(fc.property(fc.lorem({ maxCount: 4 }), fc.lorem({ maxCount: 4 }), (a, b) => areAlike(a, b) === areAlike(b, a))))
})
