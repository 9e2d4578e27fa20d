import { expect } from 'chai'
import { adjust, aheadOfOwnMs, now } from '#platform/clock.ts'

describe('the clock that all processes share', () => {
  beforeEach(() => adjust(0, 0, 0))
  after(() => adjust(0, 0, 0))

  it('is the own one until it is told of another', () => expect(Math.abs(now() - Date.now())).to.be.below(50))

  it('is the other one, by the middle of question and answer', () => {
    adjust(91_000, 500, 1_500)
    expect(aheadOfOwnMs()).to.equal(90_000)
    expect(Math.abs(now() - Date.now() - 90_000)).to.be.below(50)
  })

  it('stays as it is while the other one may agree with it, however late the answer', () => {
    adjust(1_400, 1_000, 2_000)
    expect(aheadOfOwnMs()).to.equal(0)
    adjust(91_000, 1_000, 1_000)
    adjust(91_500, 1_000, 3_000)
    expect(aheadOfOwnMs()).to.equal(90_000)
  })

  it('is the own one again when that may be right again', () => {
    adjust(91_000, 1_000, 1_000)
    adjust(5_000, 4_990, 5_010)
    expect(aheadOfOwnMs()).to.equal(0)
  })

  it('learns nothing from a reading during which the own one was set back', () => {
    adjust(91_000, 5_000, 1_000)
    expect(aheadOfOwnMs()).to.equal(0)
  })
})
