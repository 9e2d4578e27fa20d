import { expect } from 'chai'
import fc from 'fast-check'
import { fingerprint } from '#events/kit/fingerprint.ts'

describe('a fingerprint', () => {
  it('is equal for equal texts only, as far as anybody will see', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => fingerprint(text) === fingerprint(`${text}`)))
    const texts = [...Array(20_000)].map((_, i) => `a summary of video ${i.toString(7)}`)
    const near = ['', '\0', '\0\0', 'a', 'b', 'ab', 'ba', 'aa', 'é', 'e\u0301', '{"a":1}', '{"a":2}', '{"b":1}']
    expect(new Set([...texts, ...near].map(fingerprint)).size).to.equal(texts.length + near.length)
  })

  it('is short, however long the text', () => expect(fingerprint('x'.repeat(1_000_000)).length).to.be.lessThan(24))
})
