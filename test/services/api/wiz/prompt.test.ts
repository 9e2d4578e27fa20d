import { expect } from 'chai'
import fc from 'fast-check'
import { requestOf } from '#services/api/wiz/prompt.ts'
import type { Segment } from '#services/api/wiz/segments.ts'

const segments: Segment[] = [
  { offset: 0, text: 'one' },
  { offset: 65.9, text: 'two' },
]
const asked = (text: string) => ({ from: 'user' as const, text })
const answered = (text: string) => ({ from: 'model' as const, text })
const WINDOW = { windowTokens: 1_000_000 }

describe('what a model is asked', () => {
  it('names the video, says where to answer from and how to cite, and ends with the transcript', async () => {
    const { instructions, messages, maxTokens } = await requestOf({ title: 'A\n"T"', segments, messages: [asked('x')] }, WINDOW)
    expect(instructions).to.match(/^You are Wiz, [^\n]*"A "T""/)
    expect(instructions).to.include('[mm:ss]')
    expect(instructions).to.match(/\n\nTranscript:\n0:00 one\n1:05 two$/)
    expect(instructions).not.to.include('[…]')
    expect(messages).to.deep.equal([asked('x')])
    expect(maxTokens).to.equal(4096)
    for (const title of [null, '', ' \n'])
      expect((await requestOf({ title, segments, messages: [asked('x')] }, WINDOW)).instructions).to.include('"this video"')
  })

  it('says so when the transcript is cut', async () => {
    const long = Array.from({ length: 2_000 }, (_, i) => ({ offset: i, text: 'and so on' }))
    const { instructions } = await requestOf({ title: null, segments: long, messages: [asked('x')] }, { windowTokens: 2_000 })
    expect(instructions).to.include('too long to be shown whole')
    expect(instructions).to.match(/\n\[…\]\n/)
  })

  it('drops the oldest messages when they would leave no room, never the one to answer', async () => {
    const huge = 'x'.repeat(3_000)
    const { messages } = await requestOf(
      { title: null, segments, messages: [asked(huge), answered('b'), asked('c')] },
      { windowTokens: 2_000 },
    )
    expect(messages).to.deep.equal([answered('b'), asked('c')])
    expect(
      (await requestOf({ title: null, segments, messages: [asked('a'), asked(huge)] }, { windowTokens: 2_000 })).messages,
    ).to.deep.equal([asked(huge)])
  })

  it('fits into what the model takes in, whatever the transcript and the conversation', async () => {
    const text = fc.oneof(
      fc.string({ maxLength: 3_000, size: 'max' }),
      fc.constantFrom('a', '勾配降下法'.repeat(50), '😀'.repeat(200)),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ offset: fc.nat({ max: 90_000 }), text }), { maxLength: 60 }),
        fc.array(text, { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 2_000, max: 30_000 }),
        async (rows, texts, windowTokens) => {
          const question = { title: 'T', segments: rows, messages: texts.map(asked) }
          const { instructions, messages, maxTokens } = await requestOf(question, { windowTokens })
          const bytes = [instructions, ...messages.map((message) => message.text)].reduce(
            (sum, one) => sum + Buffer.byteLength(one),
            0,
          )
          expect(messages.at(-1)).to.deep.equal(asked(texts.at(-1)!))
          expect(messages).to.deep.equal(texts.map(asked).slice(-messages.length))
          const tooLong = Buffer.byteLength(texts.at(-1)!) > ((windowTokens - maxTokens) * 3) / 2
          if (!tooLong) expect(bytes / 3 + maxTokens).to.be.at.most(windowTokens)
        },
      ),
    )
  })
})
