import { expect } from 'chai'
import { rowsOf } from '#services/gpu-worker/transcriber/rows.ts'

const segment = (offset: number, duration: number, text = `at ${offset}`) => ({ text, offset, duration })

describe('rows of what was heard', () => {
  it('say something, trimmed, without what cannot be seen', () => {
    const rows = rowsOf([segment(0, 1, ' Hello,\n  there \u0000\u200b'), segment(1, 1, '  '), segment(2, 1, 'you\ud800')], 9)
    expect(rows).to.deep.equal([segment(0, 1, 'Hello, there'), segment(2, 1, 'you\ufffd')])
  })

  it('lie within the length of the sound', () => {
    expect(rowsOf([segment(0, 3), segment(8, 4), segment(10, 1), segment(12, 3)], 9.9996)).to.deep.equal([
      segment(0, 3),
      segment(8, 1.999),
    ])
  })

  it('are in order, none before the one before it', () => {
    expect(rowsOf([segment(2, 2), segment(1, 4, 'earlier'), segment(1, 0.5, 'over by then')], 9)).to.deep.equal([
      segment(2, 2),
      segment(2, 3, 'earlier'),
    ])
  })

  it('are told to the millisecond', () => {
    expect(rowsOf([segment(0.1 + 0.2, 0.1, 'x')], 9)).to.deep.equal([segment(0.3, 0.1, 'x')])
  })

  it('are none where nothing is said', () => {
    expect(rowsOf([], 20)).to.deep.equal([])
  })
})
