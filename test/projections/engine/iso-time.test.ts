import { expect } from 'chai'
import fc from 'fast-check'
import { isoTime } from '#projections/engine/iso-time.ts'

describe('isoTime', () => {
  it('writes every moment as Date does', () =>
    fc.assert(
      fc.property(
        fc.oneof(fc.date({ noInvalidDate: true }).map(Number), fc.integer({ min: 1_700_000_000_000, max: 1_700_200_000_000 })),
        (ms) => {
          expect(isoTime(ms)).to.equal(new Date(ms).toISOString())
        },
      ),
      { numRuns: 2_000 },
    ))

  it('refuses what is no moment', () => {
    for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, 8.65e15]) expect(() => isoTime(ms)).to.throw(RangeError)
  })
})
