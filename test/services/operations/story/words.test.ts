import { expect } from 'chai'
import fc from 'fast-check'
import { UserRegistered } from '#events/user.ts'
import { SummaryStored } from '#events/video.ts'
import { wordsOf } from '#services/operations/story/words.ts'
import { anyEvent } from '#test/kit/histories.ts'
import { recordedAs } from '#test/kit/world.ts'

describe('an event in a few words', () => {
  it('is told on one short line, whatever is in it', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const told = wordsOf(recordedAs(event))
        expect(told).to.match(/^[^\p{Cc}\u2028\u2029]{0,201}$/u)
        expect(told).to.not.contain('cannot be read')
      }),
      { numRuns: 1_000 },
    )
  })

  it('keeps a long text short, and on its line', () => {
    const told = wordsOf(recordedAs(SummaryStored({ videoId: 'dQw4w9WgXcQ', summary: `a\nb ${'x'.repeat(500)}` })))
    expect(told).to.match(/^"a\\nb x+…"$/)
    expect(told.length).to.be.lessThan(70)
  })

  it('names no address and no name', () => {
    expect(wordsOf(recordedAs(UserRegistered({ userId: 1, email: 'a@example.com', name: 'Ann', imageUrl: null })))).to.equal('')
  })

  it('is told as it lies there when it cannot be read', () => {
    const newer = recordedAs(SummaryStored({ videoId: 'dQw4w9WgXcQ', summary: 'a' }), { schema: 99 } as never)
    expect(wordsOf(newer)).to.match(/^cannot be read: "\{/)
  })
})
