import { expect } from 'chai'
import fc from 'fast-check'
import { codePoints, isStorable, strip } from '#platform/http/text.ts'

describe('text', () => {
  it('is stripped of every Unicode blank, and of nothing else', () => {
    for (const blank of [
      ' ',
      '\t',
      '\n',
      '\v',
      '\f',
      '\r',
      '\x1c',
      '\x1f',
      '\x85',
      '\xa0',
      '\u1680',
      '\u2003',
      '\u2028',
      '\u202f',
      '\u205f',
      '\u3000',
    ])
      expect(strip(`${blank}a${blank}b${blank}`), blank.charCodeAt(0).toString(16)).to.equal(`a${blank}b`)
    for (const kept of ['\ufeff', '\u200b', '\u180e', '\0', '\x1b']) expect(strip(`${kept}a${kept}`)).to.equal(`${kept}a${kept}`)
    expect(strip(' \n ')).to.equal('')
  })

  it('is stripped in a time that grows with its length only', () => {
    expect(strip(`a${' '.repeat(5_000_000)}b`)).to.have.length(5_000_002)
  })

  it('is as long as it has code points', () => {
    expect(codePoints('😀😀')).to.equal(2)
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => codePoints(text) === [...text].length))
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0xd700, max: 0xe0ff })),
        (units) => codePoints(String.fromCharCode(...units)) === [...String.fromCharCode(...units)].length,
      ),
    )
  })

  it('can be stored unless it has a NUL or half of a pair', () => {
    expect(isStorable('é😀')).to.equal(true)
    for (const text of ['a\0b', '\ud800', 'a\udc00', '\udc00\ud800']) expect(isStorable(text)).to.equal(false)
  })
})
