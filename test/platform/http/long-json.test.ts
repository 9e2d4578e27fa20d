import { expect } from 'chai'
import fc from 'fast-check'
import { longJson } from '#platform/http/long-json.ts'

describe('a long list', () => {
  it('is written as JSON.stringify writes it', async () => {
    const rows = fc.array(fc.record({ text: fc.constantFrom('', 'é', '\ud800', '"\\', '\0😀'), at: fc.double() }), {
      minLength: 1,
      maxLength: 3,
    })
    await fc.assert(
      fc.asyncProperty(rows, fc.constantFrom(0, 1, 250, 501), async (some, times) => {
        const items = Array.from({ length: times }, () => some).flat()
        expect((await longJson(items)).toString()).to.equal(Buffer.from(JSON.stringify(items)).toString())
      }),
      { numRuns: 12 },
    )
  })

  it('lets others have their turn while it is written', async () => {
    let pauses = 0
    await longJson(Array(10_000).fill({}), async () => void pauses++)
    expect(pauses).to.be.at.least(20)
  })
})
