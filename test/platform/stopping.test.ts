import { expect } from 'chai'
import { backoffMs } from '#platform/stopping.ts'

describe('the pause after a failure', () => {
  it('is twice as long each time up to a bound, less up to half of it by chance, however often it failed', () => {
    for (const [failures, longest] of [
      [1, 100],
      [2, 200],
      [4, 800],
      [5, 1_000],
      [10_000, 1_000],
    ] as const)
      for (let n = 0; n < 100; n++)
        expect(backoffMs(failures, { firstMs: 100, longestMs: 1_000 })).to.be.within(longest / 2, longest)
  })
})
