import { expect } from 'chai'
import fc from 'fast-check'
import { belowHead, rowsOf, WORDS_PER_MINUTE } from '#services/media-door/sentences.ts'

const bare = (text: string) => text.replaceAll(/\s/g, '')

describe('a transcript without times', () => {
  it('becomes a row per sentence, in any language', () => {
    const textsOf = (text: string, language?: string) => rowsOf(text, { language, seconds: 100 }).map(({ text }) => text)
    expect(textsOf('Dr. No came. "Really?" Yes!\nHe did', 'en')).to.deep.equal(
      ['Dr. ', 'No came.', '"Really?"', 'Yes!', 'He did'].map((one) => one.trim()),
    )
    expect(textsOf('蜂は踊る。花はどこ?あそこだ!', 'ja')).to.deep.equal(['蜂は踊る。', '花はどこ?', 'あそこだ!'])
    expect(textsOf('मधुमक्खियाँ नाचती हैं। फूल कहाँ हैं?', 'hi')).to.deep.equal(['मधुमक्खियाँ नाचती हैं।', 'फूल कहाँ हैं?'])
  })

  it('divides what has no full stop between words', () => {
    const rows = rowsOf('bees and flowers '.repeat(100), { language: 'en', seconds: 100 })
    expect(rows.length).to.be.greaterThan(5)
    for (const { text } of rows) {
      expect(text.length).to.be.at.most(240)
      expect(text).to.match(/^(bees|and|flowers)\b.*\b(bees|and|flowers)$/)
    }
  })

  it('loses nothing of the text, and its rows follow each other from the beginning to the end', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 600 }),
      fc
        .array(fc.constantFrom('bees', 'dance.', 'Why?', 'नाचती', 'हैं।', '蜂は踊る。', '\n', '  ', '🐝', 'x'.repeat(500), '…'), {
          maxLength: 80,
        })
        .map((words) => words.join(' ')),
    )
    const languages = fc.constantFrom(undefined, 'en', 'ja', 'hi', 'not a language')
    const seconds = fc.option(fc.double({ min: 0.01, max: 50_000, noNaN: true }), { nil: undefined })
    fc.assert(
      fc.property(texts, languages, seconds, (text, language, seconds) => {
        const rows = rowsOf(text, { language, seconds })
        expect(bare(rows.map(({ text }) => text).join(''))).to.equal(bare(text))
        let end = 0
        for (const { text, offset, duration } of rows) {
          expect(text.trim()).to.equal(text).and.not.equal('')
          expect(text.isWellFormed()).to.equal(true)
          expect(offset).to.be.at.least(end - 1e-9)
          expect(duration).to.be.at.least(0)
          end = offset + duration
          if (seconds !== undefined) expect(end).to.be.at.most(seconds + 1e-9)
        }
        if (seconds !== undefined && rows.length > 0) expect(end).to.be.greaterThan(seconds - 0.002)
      }),
      { numRuns: 300 },
    )
  })

  it('lasts as long as it takes to say it when nobody knows the length', () => {
    const [row] = rowsOf('bees '.repeat(WORDS_PER_MINUTE / 10).trim(), { language: 'en' })
    expect(row).to.include({ offset: 0, duration: 6 })
  })

  it('begins below a head of two lines', () => {
    expect(belowHead('\uFEFFTitle: Bees\r\nLanguage: en\r\n\r\nBees dance.\r\nThey do.\r\n')).to.equal('Bees dance.\nThey do.')
    expect(belowHead('Title\nLanguage')).to.equal('')
  })
})
