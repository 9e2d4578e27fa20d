import { expect } from 'chai'
import fc from 'fast-check'
import { MOST_SECTIONS, SECTION_TOKENS, sectionsOf, spoken } from '#services/gpu-worker/tutor/sections.ts'

const tokensOf = (text: string) => Buffer.byteLength(text) / 4
const bare = (text: string) => text.replace(/\s+/g, '')
const small = { tokens: 50, most: 4 }
/** As much as the longest piece may have. */
const PIECE_TOKENS = 200

describe('the sections of a transcript', () => {
  it('hold all of it, in order, if it is not too long', () =>
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 60 }), { maxLength: 20 }), (texts) => {
        const text = spoken(texts.map((text) => ({ text })))
        const sections = sectionsOf(text, { tokens: Math.max(1, tokensOf(text) / 3), most: 4 })
        expect(bare(sections.map(({ text }) => text).join(''))).to.equal(bare(text))
      }),
    ))

  it('are few and not too long, and spread evenly over the whole, however long it is', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_000 }), fc.constantFrom('word', '水', 'शब्द'), (count, word) => {
        const sections = sectionsOf(Array.from({ length: count }, (_, i) => `${word}${i}`).join(' '), small)
        expect(sections.length).to.be.within(1, small.most)
        for (const [i, { text, from, to }] of sections.entries()) {
          expect(tokensOf(text)).to.be.lessThan(small.tokens + PIECE_TOKENS)
          expect(from).to.be.within(i / sections.length, (i + 1) / sections.length)
          expect(to).to.be.within(from, (i + 1) / sections.length + 1e-9)
        }
      }),
    ))

  it('are eight of twelve hours, which leave nothing out of English', () => {
    const rows = Array.from({ length: 12 * 3_600 }, (_, i) => ({ text: `words spoken in second ${i}`.slice(0, 16) }))
    const text = spoken(rows)
    const sections = sectionsOf(text)
    expect(sections.length).to.equal(Math.min(MOST_SECTIONS, Math.ceil(tokensOf(text) / SECTION_TOKENS)))
    expect(bare(sections.map(({ text }) => text).join(''))).to.equal(bare(text))
  })

  it('are the middles of equal stretches if it is longer than that', () => {
    const sections = sectionsOf('x'.repeat(400 * SECTION_TOKENS))
    expect(sections).to.have.length(MOST_SECTIONS)
    for (const [i, { from, to }] of sections.entries()) expect((from + to) / 2).to.be.closeTo((i + 0.5) / MOST_SECTIONS, 1e-9)
  })

  it('hold no names of sounds', () => {
    expect(spoken([{ text: '[Music] ♪ hello' }, { text: '>> world [Applause]\n' }])).to.equal('hello world')
  })
})
