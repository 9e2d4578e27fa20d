import { expect } from 'chai'
import fc from 'fast-check'
import { draftsIn } from '#services/gpu-worker/tutor/drafts.ts'
import { bees } from '#test/kit/lectures.ts'

const whole = JSON.stringify(bees.study)

describe('reading what a model answers', () => {
  it('takes what is of the form, also in a fence', () => {
    const { flashcards: cards, quiz: questions } = bees.study
    for (const answer of [whole, `\`\`\`json\n${whole}\n\`\`\`\n`]) expect(draftsIn(answer)).to.deep.equal({ cards, questions })
  })

  it('leaves out single things that are not', () => {
    const [card] = bees.study.flashcards
    const answer = { flashcards: [card, { front: 'x' }, null, 'x'], quiz: 'none' }
    expect(draftsIn(JSON.stringify(answer))).to.deep.equal({ cards: [card], questions: [] })
  })

  it('makes one line of each text', () => {
    const answer = { flashcards: [{ quote: 'a', front: ' a\n\tb\u0007 ', back: 'c' }], quiz: [] }
    expect(draftsIn(JSON.stringify(answer))!.cards[0]!.front).to.equal('a b')
  })

  it('knows what is no answer, and never fails', () => {
    for (const answer of ['', 'Sure! Here you are', whole.slice(0, -5), '[]', 'null', '7'])
      expect(draftsIn(answer), answer).to.equal(undefined)
    fc.assert(fc.property(fc.json(), (answer) => void draftsIn(answer)))
  })
})
