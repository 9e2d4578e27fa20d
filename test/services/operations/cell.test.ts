import { expect } from 'chai'
import { bounded, seldom } from '#services/operations/cell.ts'

describe('a cell of a look', () => {
  it('is what was read, or why it was not', async () => {
    expect(await bounded(async () => 42, 1_000)()).to.deep.equal({ value: 42 })
    const failing = bounded(async () => Promise.reject(new Error('no such table')), 1_000)
    expect(await failing()).to.deep.equal({ problem: 'no such table' })
  })

  it('says that it is late, and does not ask again while it is', async () => {
    let asked = 0
    const hung = Promise.withResolvers<number>()
    const read = bounded(() => {
      asked++
      return hung.promise
    }, 5)
    for (let n = 0; n < 3; n++) expect(await read()).to.deep.equal({ problem: 'it did not answer within 0.005 s' })
    hung.resolve(7)
    expect(await read()).to.deep.equal({ value: 7 })
    expect(asked).to.equal(1)
  })

  it('that is dear is read seldom, and nobody waits for it but the first', async () => {
    let n = 0
    const slow = Promise.withResolvers<number>()
    const rare = seldom(async () => ++n, { everyMs: 3_600_000, mostMs: 1_000 })
    expect([await rare(), await rare()]).to.deep.equal([{ value: 1 }, { value: 1 }])
    let m = 0
    const often = seldom(() => (++m === 1 ? Promise.resolve(1) : slow.promise), { everyMs: 0, mostMs: 60_000 })
    expect([await often(), await often(), await often()]).to.deep.equal([{ value: 1 }, { value: 1 }, { value: 1 }])
    expect(m).to.equal(2)
    slow.resolve(2)
  })
})
