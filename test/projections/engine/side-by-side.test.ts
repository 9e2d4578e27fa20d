import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import fc from 'fast-check'
import { Fenced } from '#platform/log/port.ts'
import type { Reading } from '#projections/engine/fold.ts'
import { allOf, sideBySide } from '#projections/engine/side-by-side.ts'

const readings = (partitions: number[]) => partitions.map((partition, pos) => ({ recorded: { partition, pos } }) as Reading)
const anyPartitions = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 60 })
const places = (some: readonly Reading[]) => some.map(({ recorded: { partition, pos } }) => ({ partition, pos }))

describe('events for two transactions side by side', () => {
  it('are each in one part, whole partitions together, in order', () => {
    fc.assert(
      fc.property(anyPartitions, (partitions) => {
        const parts = sideBySide(readings(partitions)).map(places)
        expect(parts.length).to.equal(new Set(partitions).size === 1 ? 1 : 2)
        expect(parts.flat().toSorted((a, b) => a.pos - b.pos)).to.deep.equal(places(readings(partitions)))
        for (const part of parts) expect(part).to.deep.equal(part.toSorted((a, b) => a.pos - b.pos))
        const [one, other = []] = parts.map((part) => new Set(part.map(({ partition }) => partition)))
        for (const partition of other) expect(one!.has(partition), `partition ${partition} is in both`).to.equal(false)
      }),
    )
  })

  it('are about as many in each part: the difference is at most the largest partition', () => {
    fc.assert(
      fc.property(anyPartitions, (partitions) => {
        const [one, other] = sideBySide(readings(partitions))
        const largest = Math.max(...[...Map.groupBy(partitions, (partition) => partition).values()].map(({ length }) => length))
        if (other) expect(Math.abs(one!.length - other.length)).to.be.at.most(largest)
      }),
    )
  })
})

describe('two transactions side by side', () => {
  const broken = new Error('broken')
  const fenced = new Fenced('another process owns it')

  it('fail only when both have ended', async () => {
    let isEnded = false
    const slow = async () => {
      for (let turn = 0; turn < 5; turn++) await setImmediate()
      isEnded = true
    }
    expect(await allOf([Promise.reject(broken), slow()]).catch((error) => error)).to.equal(broken)
    expect(isEnded).to.equal(true)
  })

  it('fail with another error than that they were fenced, if there is one', async () => {
    for (const both of [
      [fenced, broken],
      [broken, fenced],
    ])
      expect(await allOf(both.map((error) => Promise.reject(error))).catch((error) => error)).to.equal(broken)
    expect(await allOf([Promise.reject(fenced), Promise.resolve()]).catch((error) => error)).to.equal(fenced)
    await allOf([Promise.resolve(), Promise.resolve()])
  })
})
