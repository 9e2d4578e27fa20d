import { expect } from 'chai'
import fc from 'fast-check'
import { type Pass, planPasses } from '#projections/engine/passes.ts'
import { inSlice } from '#projections/engine/slice.ts'

/** Rows to fold: the partition and the id of each. */
const rows = Array.from({ length: 240 }, (_, id) => ({ partition: id % 12, id }))
const partitions = Array.from({ length: 12 }, (_, partition) => partition)
const inPass = ({ partitions, slice }: Pass) =>
  rows.filter(({ partition, id }) => partitions.includes(partition) && inSlice(slice, id))

describe('the passes of a replay', () => {
  it('fold every row once, however they are narrowed', () =>
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 2, noNaN: true }),
        fc.array(fc.option(fc.double({ min: 0.01, max: 0.99, noNaN: true })), { maxLength: 30 }),
        (share, narrowings) => {
          const passes = planPasses(partitions, share)
          const folded: number[] = []
          for (let pass = passes.next(); pass; pass = passes.next()) {
            for (let by = narrowings.shift(); by != null; by = narrowings.shift()) {
              const before = inPass(pass).length
              pass = passes.narrow(by)
              expect(inPass(pass).length).to.be.at.most(before)
            }
            folded.push(...inPass(pass).map(({ id }) => id))
          }
          expect(folded.sort((a, b) => a - b)).to.deep.equal(rows.map(({ id }) => id))
        },
      ),
    ))

  it('have as many partitions as fit, and fewer after a narrowing', () => {
    const passes = planPasses(partitions, 0.5)
    expect(passes.next()!.partitions).to.have.length(6)
    expect(passes.narrow(0.4).partitions).to.have.length(2)
    const sizes: number[] = []
    for (let pass = passes.next(); pass; pass = passes.next()) sizes.push(pass.partitions.length)
    expect(sizes).to.deep.equal([2, 2, 2, 2, 2])
  })
})
