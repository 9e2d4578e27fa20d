import { expect } from 'chai'
import { duration, moment, oneLine, ordinal } from '#services/operations/story/text.ts'

describe('how long something took, for people', () => {
  const cases: [ms: number, text: string][] = [
    [-5, '0 ms'],
    [0, '0 ms'],
    [12, '12 ms'],
    [999, '999 ms'],
    [1_000, '1 s'],
    [3_449, '3.4 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [250_000, '4 min 10 s'],
    [7_500_000, '2 h 5 min'],
    [3_600_000, '1 h'],
    [266_400_000, '3 d 2 h'],
  ]
  for (const [ms, text] of cases) it(`${ms} ms are ${text}`, () => expect(duration(ms)).to.equal(text))

  it('counts as one does in English', () => {
    expect([1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal)).to.deep.equal([
      ...['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '102nd', '111th'],
    ])
  })

  it('writes a moment as tail does, and one that no calendar has as it is', () => {
    expect([moment(0), moment(Number.MAX_SAFE_INTEGER)]).to.deep.equal(['1970-01-01T00:00:00.000Z', '9007199254740991'])
  })

  it('takes away what a terminal would obey', () => {
    expect(oneLine('a\nb\u001b[2Jc\u009bd\u2028e')).to.equal('a b [2Jc d e')
  })
})
