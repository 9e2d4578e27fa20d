import { expect } from 'chai'
import fc from 'fast-check'
import { excerptOf, GAP } from '#services/api/wiz/excerpt.ts'
import { lineOf, readTranscript, type Segment, segmentsOf } from '#services/api/wiz/segments.ts'
import { momentsIn, termsOf } from '#services/api/wiz/terms.ts'

const bytesOf = (lines: string[]) => lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0)

describe('a transcript as a model reads it', () => {
  it('has minutes that go on beyond an hour, and whole seconds', () => {
    const lines = [0, 5, 65.9, 600, 3700, 36_000.999].map((offset) => lineOf({ offset, text: 'x' }))
    expect(lines).to.deep.equal(['0:00 x', '0:05 x', '1:05 x', '10:00 x', '61:40 x', '600:00 x'])
  })

  it('leaves out what has no text or no moment, and keeps a row in one line', () => {
    const rows = [
      { offset: 0, text: 'a\nb \r\n c' },
      { text: 'no moment' },
      { offset: null, text: 'none' },
      { offset: '3', text: 'none' },
      { offset: 1, text: '' },
      { offset: 2 },
      null,
      7,
      { offset: -0.5, text: 'early' },
      { offset: 9, text: 'kept', duration: 2, more: {} },
    ]
    expect(segmentsOf(rows)).to.deep.equal([
      { offset: 0, text: 'a b c' },
      { offset: 0, text: 'early' },
      { offset: 9, text: 'kept' },
    ])
  })

  it('is put in one line in a time that goes with its length', () => {
    // A pattern that seeks the line break in each run of blanks would outlast the test.
    const blanks = ' '.repeat(1_000_000)
    expect(segmentsOf([{ offset: 0, text: `a${blanks}b \r\n c` }])).to.deep.equal([{ offset: 0, text: `a${blanks}b c` }])
  })

  it('is missing when what is stored is no list of rows', async () => {
    for (const stored of ['', '[', '{}', 'null', '"x"', '[]']) expect(await readTranscript(stored), stored).to.equal(undefined)
    expect(await readTranscript('[{"text":"x"}]'), 'there, though nobody can tell when it is said').to.deep.equal([])
  })
})

describe('what two texts are about', () => {
  it('is the same in small letters and with another ending', () => {
    expect([...termsOf('Teaching NETWORKS')]).to.deep.equal([...termsOf('teaches network')])
    expect([...termsOf('It’s 4 CATS')]).to.deep.equal(['it', 's', '4', 'cats'])
  })

  it('is found in scripts without blanks', () => {
    expect([...termsOf('勾配降下法とは')]).to.include.members(['勾配', '降下'])
    expect([...termsOf('降下')]).to.deep.equal(['降下'])
  })

  it('may be a moment', () => {
    expect(momentsIn('what at 12:30, [1:02:03] and 0:05? not 1:99 or 12')).to.deep.equal([750, 3723, 5])
  })
})

describe('an excerpt', () => {
  /** Twelve hours of nothing in particular, with something at one moment. */
  const talk = (said: Record<number, string> = {}): Segment[] =>
    Array.from({ length: 8_000 }, (_, i) => ({
      offset: i * 5,
      text: said[i] ?? `and then we go on with number ${i} of many things`,
    }))
  const BUDGET = 20_000

  it('is the whole transcript when there is room for it', async () => {
    const segments = talk().slice(0, 300)
    expect(await excerptOf(segments, ['x'], 1e6)).to.deep.equal({ lines: segments.map(lineOf), isWhole: true })
    const lines = segments.map(lineOf)
    expect((await excerptOf(segments, ['x'], bytesOf(lines))).isWhole).to.equal(true)
    expect((await excerptOf(segments, ['x'], bytesOf(lines) - 1)).isWhole).to.equal(false)
  })

  it('has what the question is about, with what is said before and after', async () => {
    const segments = talk({ 5000: 'gradient descent finds a minimum' })
    const { lines, isWhole } = await excerptOf(segments, ['How does Gradient descent work?'], BUDGET)
    expect(isWhole).to.equal(false)
    for (const i of [4_995, 5_000, 5_005]) expect(lines).to.include(lineOf(segments[i]!))
  })

  it('has what an earlier question was about, when the last one tells nothing', async () => {
    const segments = talk({ 5000: 'gradient descent finds a minimum' })
    const { lines } = await excerptOf(segments, ['why so?', 'How does gradient descent work?'], BUDGET)
    expect(lines).to.include(lineOf(segments[5_000]!))
  })

  it('has the moment that the question names', async () => {
    const segments = talk()
    expect((await excerptOf(segments, ['What happens at 416:40?'], BUDGET)).lines).to.include(lineOf(segments[5_000]!))
    expect((await excerptOf(segments, ['What happens at 999:00?'], BUDGET)).lines).to.include(lineOf(segments[7_999]!))
  })

  it('is spread over all of the video when the question tells nothing', async () => {
    const { lines } = await excerptOf(talk(), ['???'], BUDGET)
    const minutes = lines.filter((line) => line !== GAP).map((line) => Number(line.split(':')[0]))
    for (let hour = 0; hour < 11; hour++)
      expect(
        minutes.some((minute) => Math.floor(minute / 60) === hour),
        `hour ${hour}`,
      ).to.equal(true)
    expect(bytesOf(lines)).to.be.greaterThan(BUDGET * 0.9)
  })

  it('cuts even a single row that is longer than there is room', async () => {
    const { lines, isWhole } = await excerptOf([{ offset: 61, text: 'é'.repeat(100_000) }], ['é'], 5_000)
    expect(isWhole).to.equal(false)
    expect(bytesOf(lines)).to.be.within(2_500, 5_000)
    expect(lines[0]).to.match(/^1:01 é+$/)
  })

  it('is not slowed down by a question that does not end', async () => {
    await excerptOf(talk(), [Array.from({ length: 200_000 }, (_, i) => `word${i}`).join(' ')], BUDGET)
  })

  it('lets others have their turn while a very long transcript is looked through', async () => {
    const days = Array.from({ length: 10 }, () => talk()).flat()
    let turns = 0
    const watch = () => {
      turns++
      watching = setImmediate(watch)
    }
    let watching = setImmediate(watch)
    await excerptOf(days, ['number 7 of many things'], BUDGET)
    clearImmediate(watching)
    expect(turns).to.be.at.least(3)
  })

  it('keeps to the budget, to the words and to the order of any transcript, and is the same each time', async () => {
    const word = fc.constantFrom('a', 'gradient', 'descent', '勾配降下法', '😀', 'é', 'teaching')
    const segment = fc.record({
      offset: fc.double({ min: 0, max: 1e5, noNaN: true }),
      text: fc.array(word, { minLength: 1, maxLength: 60 }).map((words) => words.join(' ')),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(segment, { maxLength: 120 }).map((all) => all.sort((a, b) => a.offset - b.offset)),
        fc.array(fc.oneof(word, fc.string(), fc.constant('at 12:30')), { maxLength: 3 }),
        fc.integer({ min: 0, max: 6_000 }),
        async (segments, questions, budget) => {
          const { lines, isWhole } = await excerptOf(segments, questions, budget)
          expect(bytesOf(lines)).to.be.at.most(budget)
          expect(await excerptOf(segments, questions, budget)).to.deep.equal({ lines, isWhole })
          const all = segments.map(lineOf)
          expect(isWhole).to.equal(bytesOf(all) <= budget)
          // What is kept is a subsequence; between neighbours that are not next to each other stands a gap.
          let at = -1
          let gap = false
          for (const line of lines) {
            if (line === GAP) {
              expect(gap, 'two gaps in a row').to.equal(false)
              gap = true
              continue
            }
            const found = all.indexOf(line, at + 1)
            expect(found, `${line} is out of order`).to.be.greaterThan(at)
            if (!gap && at >= 0) expect(all.slice(at + 1, found).every((left) => left === line)).to.equal(true)
            at = found
            gap = false
          }
        },
      ),
    )
  })
})
