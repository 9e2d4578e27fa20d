import { expect } from 'chai'
import fc from 'fast-check'
import { Cancelled, estimate, meter, type Progress } from '#projections/engine/progress.ts'

describe('the time that a replay still takes', () => {
  it('names an end within 20 % of the whole duration once a tenth is read, while the rate holds within a tenth', () =>
    fc.assert(
      fc.property(
        fc.record({
          total: fc.integer({ min: 100, max: 10_000_000 }),
          perEventMs: fc.double({ min: 0.001, max: 1, noNaN: true }),
          // What comes after reading, as measured: between a twentieth and a fifth of it.
          rest: fc.double({ min: 0.05, max: 0.2, noNaN: true }),
          share: fc.double({ min: 0.1, max: 1, noNaN: true }),
          // How much faster or slower than the average it has been so far.
          unsteady: fc.double({ min: 0.9, max: 1.1, noNaN: true }),
        }),
        ({ total, perEventMs, rest, share, unsteady }) => {
          const events = Math.ceil(total * share)
          const wholeMs = total * perEventMs * (1 + rest)
          const readMs = events * perEventMs * (share > 0.9 ? 1 : unsteady)
          expect(readMs + estimate({ events, total, readMs })).to.be.within(wholeMs * 0.8, wholeMs * 1.2)
        },
      ),
    ))

  it('goes on down while indexes are built, and is never negative', () => {
    expect(estimate({ events: 10, total: 10, readMs: 10_000, restMs: 0 })).to.equal(1_000)
    expect(estimate({ events: 10, total: 10, readMs: 10_000, restMs: 400 })).to.equal(600)
    expect(estimate({ events: 10, total: 10, readMs: 10_000, restMs: 9_000 })).to.equal(0)
    expect(estimate({ events: 0, total: 10, readMs: 5 })).to.equal(0)
  })

  it('is told with events, phase and rate; a signal ends it at the next step, but nothing that is done', () => {
    const told: Progress[] = []
    const ending = new AbortController()
    const progress = meter((one) => told.push(one), { everyMs: 0, signal: ending.signal })
    progress.expect(10)
    progress.read(4)
    progress.phase('index')
    expect(told.map(({ phase, events, total }) => [phase, events, total])).to.deep.equal([
      ['read', 0, 10],
      ['read', 4, 10],
      ['index', 4, 10],
    ])
    ending.abort()
    expect(() => progress.read(1)).to.throw(Cancelled)
    expect(() => progress.phase('swap')).to.throw(Cancelled)
    expect(progress.done().events).to.equal(4)
    expect(told.at(-1)).to.include({ phase: 'done', etaMs: 0 })
  })
})
