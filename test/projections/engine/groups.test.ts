import { expect } from 'chai'
import fc from 'fast-check'
import { divide } from '#projections/engine/groups.ts'

const anyPartitions = fc
  .array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 24 })
  .map((all) => all.map((events, partition) => ({ partition, events })))

describe('partitions that threads share', () => {
  it('are each in one group, and no group has more than another by more than the largest partition', () =>
    fc.assert(
      fc.property(anyPartitions, fc.integer({ min: 1, max: 8 }), (partitions, most) => {
        const groups = divide(partitions, most)
        expect(groups).to.have.length(Math.min(most, partitions.length))
        expect(groups.flatMap((group) => group.partitions)).to.have.members(partitions.map(({ partition }) => partition))
        for (const group of groups)
          expect(group.events).to.equal(group.partitions.reduce((sum, partition) => sum + partitions[partition]!.events, 0))
        const sizes = groups.map(({ events }) => events)
        expect(Math.max(...sizes) - Math.min(...sizes)).to.be.at.most(Math.max(...partitions.map(({ events }) => events)))
      }),
    ))

  it('are in no group when there are none', () => expect(divide([], 3)).to.deep.equal([]))
})
