import { expect } from 'chai'
import fc from 'fast-check'
import { amountFor, isEnough, MOST_ASKED, MOST_TRIES, nextOf, type Standing, sharesOf } from '#services/gpu-worker/tutor/turns.ts'

const sectionsOf = (count: number): Standing[] =>
  Array.from({ length: count }, () => ({ tries: 0, got: { cards: 0, questions: 0 }, isClosed: false }))

/** Plays to the end against a model that gives as much as `gives` says. */
function played(sections: Standing[], gives: (wanted: number) => number) {
  let asked = 0
  for (let one = nextOf(sections); one; one = nextOf(sections)) {
    const amount = amountFor(one, sections)
    expect(amount.cards + amount.questions).to.be.greaterThan(0)
    one.tries++
    asked++
    one.got.cards += gives(amount.cards)
    one.got.questions += gives(amount.questions)
  }
  return asked
}

describe('whom a model is asked about next', () => {
  it('ends with every model, within three questions for a section and twelve in all', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (count, luck) => {
          const sections = sectionsOf(count)
          const asked = played(sections, (wanted) => Math.round(wanted * luck.next().value))
          expect(asked).to.be.at.most(Math.min(MOST_ASKED, MOST_TRIES * count))
          expect(sections.every(({ tries }) => tries >= 1 && tries <= MOST_TRIES)).to.equal(true)
        },
      ),
    ))

  it('is each section once if the model gives what it is asked for, and that is enough', () => {
    for (const count of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const sections = sectionsOf(count)
      expect(played(sections, (wanted) => wanted)).to.equal(count)
      expect(isEnough(sections)).to.equal(true)
    }
  })

  it('is enough as well if it gives just the least of each', () => {
    for (const count of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const sections = sectionsOf(count)
      expect(played(sections, () => sharesOf(count).fewest)).to.equal(count)
      expect(isEnough(sections)).to.equal(true)
    }
  })

  it('asks again for what is missing alone', () => {
    const [one] = sectionsOf(1) as [Standing]
    Object.assign(one, { tries: 1, got: { cards: 7, questions: 3 } })
    expect(nextOf([one])).to.equal(one)
    expect(amountFor(one, [one])).to.deep.equal({ cards: 0, questions: 7 })
  })

  it('asks about other sections for what one does not give', () => {
    const sections = sectionsOf(2)
    Object.assign(sections[0]!, { tries: 1, isClosed: true })
    Object.assign(sections[1]!, { tries: 1, got: { cards: 4, questions: 6 } })
    expect(nextOf(sections)).to.equal(sections[1])
    expect(amountFor(sections[1]!, sections)).to.deep.equal({ cards: 2, questions: 0 })
  })
})
