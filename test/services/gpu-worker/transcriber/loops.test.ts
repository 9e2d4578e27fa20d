import { expect } from 'chai'
import { withoutLoops, withoutLoopsWithin } from '#services/gpu-worker/transcriber/loops.ts'

const rows = (lines: string[]) => lines.map((text, i) => ({ text, offset: i, duration: 1 }))
const kept = (lines: string[]) => withoutLoops(rows(lines)).map(({ text, offset }) => `${offset} ${text}`)

describe('loops of what was heard', () => {
  it('keep a line that is repeated four times in a row or more the first time only', () => {
    const lines = ['So it begins.', ...Array(4).fill('Thank you.'), 'And so it ends.']
    expect(kept(lines)).to.deep.equal(['0 So it begins.', '1 Thank you.', '5 And so it ends.'])
  })

  it('leave a line alone that is said three times, as people do', () => {
    expect(kept(['No.', 'No.', 'No.', 'Yes.', 'No.'])).to.have.length(5)
  })

  it('do not hide behind case and marks', () => {
    expect(kept(['Thank you.', 'thank you', 'Thank you!', 'THANK YOU…'])).to.deep.equal(['0 Thank you.'])
  })

  it('are noticed when several lines are repeated together', () => {
    const lines = Array.from({ length: 4 }, () => ['Subscribe.', 'Like it.', 'See you.']).flat()
    expect(kept([...lines, 'Subscribe.', 'The end.'])).to.deep.equal([
      '0 Subscribe.',
      '1 Like it.',
      '2 See you.',
      '12 Subscribe.',
      '13 The end.',
    ])
  })

  it('leave a song with its chorus between verses as it is', () => {
    const song = [1, 2, 3, 4, 5].flatMap((verse) => [`Verse ${verse} goes like this`, 'La la la', 'La la la'])
    expect(kept(song)).to.have.length(15)
  })

  it('do not take lines of other letters or of marks alone for the same', () => {
    expect(kept(['谢谢', '再见', '谢谢', '再见'])).to.have.length(4)
    expect(kept(['♪', '…', '!', '?'])).to.have.length(4)
    expect(kept(['♪', '♪', '♪', '♪'])).to.deep.equal(['0 ♪'])
  })

  it('are cut within a line, in whatever script', () => {
    expect(withoutLoopsWithin(`And then ${'I am going to go. '.repeat(9)}`)).to.equal('And then I am going to go.')
    expect(withoutLoopsWithin('ha ha ha ha ha ha')).to.equal('ha')
    expect(withoutLoopsWithin('ありがとう'.repeat(6))).to.equal('ありがとう')
  })

  it('leave what people say as it is: numbers, a word some times, a long row', () => {
    for (const text of ['It is 1000000000000 km away', 'no no no no no', 'very, very, very good', 'A row of many words. '.trim()])
      expect(withoutLoopsWithin(text)).to.equal(text)
  })

  it('take no time to look for, whatever the line', () => {
    const began = performance.now()
    for (const text of ['a'.repeat(4000), 'ab1 '.repeat(1000), '1'.repeat(4000), `${'x1'.repeat(1999)}y`])
      withoutLoopsWithin(text)
    expect(performance.now() - began).to.be.below(1_000)
  })
})
