import { expect } from 'chai'
import { readSteadily } from '#projections/engine/steady.ts'

describe('a read of views that a crash may have taken back', () => {
  /** The server crashes during as many reads. */
  async function readThrough(crashes: number) {
    let reads = 0
    const waiter = { mark: () => ({ changes: 0, incarnation: undefined }), holds: () => reads > crashes }
    const { isVisible } = await readSteadily(
      waiter,
      () => true,
      async () => reads++,
    )
    return { isVisible, reads }
  }

  it('is sure at once when the server did not crash, and is repeated when it did (P5)', async () => {
    expect(await readThrough(0)).to.deep.equal({ isVisible: true, reads: 1 })
    expect(await readThrough(1)).to.deep.equal({ isVisible: true, reads: 2 })
  })

  it('says that it does not show the write when the server crashed each time (P5)', async () => {
    expect(await readThrough(99)).to.deep.equal({ isVisible: false, reads: 3 })
  })
})
