import { expect } from 'chai'
import fc from 'fast-check'
import { finite } from '#platform/http/finite.ts'
import { JsonDepthError, JsonPartsError, JsonSyntaxError, MAX_DEPTH } from '#platform/http/json.ts'
import { parseInSlices } from '#platform/http/json-slices.ts'

const USUAL = { maxParts: 1_000_000, pause: async () => {} }

const read = (text: string) => parseInSlices(text, USUAL).catch((error: Error) => error)

/** What JSON.parse makes of it, or that it makes nothing. */
const meant = (text: string) => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const BLANKS = ' \n'.repeat(40_000)
/** Texts that are wider than a slice, each in another way. */
const wide = fc.constantFrom(
  `"${'x'.repeat(70_000)}"`,
  `"${'\\"[{'.repeat(20_000)}"`,
  `[${'1,'.repeat(40_000)}1]`,
  `[${BLANKS}]`,
  `{${BLANKS}}`,
  `{${Array.from({ length: 9000 }, (_, n) => `"k${n * 7}":${n}`).join(',')}}`,
  `[${'{"text":"a,b","at":[1,2]},'.repeat(4000)}{}]`,
  BLANKS,
)
const small = fc.constantFrom('1', '"a"', '{}', '[]', '[1,{"a":[]}]', 'null', ' ', '')
const sign = fc.constantFrom('"k":1', ',', '[', ']', '{', '}', '"k":', '"__proto__":', '1,', '"', '\\', ':')

describe('JSON that is read in slices', () => {
  it('is what JSON.parse makes of it', async () => {
    const { text } = fc.letrec((tie) => ({
      text: fc.oneof({ maxDepth: 4 }, wide, small, tie('list'), tie('dictionary')),
      list: fc.array(tie('text'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
      dictionary: fc
        .array(fc.tuple(fc.constantFrom('"a"', '"b" ', '"10"', '"2"', '"__proto__"', '"\\u0061"'), tie('text')), { maxLength: 4 })
        .map((members) => `{${members.map(([key, value]) => `${key}:${value}`).join(',')}}`),
    }))
    await fc.assert(
      fc.asyncProperty(text as fc.Arbitrary<string>, async (text) => {
        const value = meant(text)
        const found = await read(text)
        if (value === undefined) expect(found).to.be.instanceOf(JsonSyntaxError)
        // The order of keys and `__proto__` among them, too.
        else expect(JSON.stringify(found) === JSON.stringify(value)).to.equal(true)
      }),
      { numRuns: 80 },
    )
  })

  it('is refused where JSON.parse refuses it', async () => {
    const scraps = fc.array(fc.oneof(wide, small, sign), { maxLength: 8 }).map((parts) => parts.join(''))
    await fc.assert(
      fc.asyncProperty(scraps, fc.constantFrom('', '[', '{"a":'), fc.constantFrom('', ']', '}'), async (inner, open, close) => {
        const text = open + inner + close
        const found = await read(text)
        expect(found instanceof JsonSyntaxError, text.slice(0, 50)).to.equal(meant(text) === undefined)
      }),
      { numRuns: 200 },
    )
  })

  it('gives others their turn, however large it is', async () => {
    let pauses = 0
    const text = `{"a":[${'{"text":"some words"},'.repeat(50_000)}{}]}`
    await parseInSlices(text, { ...USUAL, pause: async () => void pauses++ })
    expect(pauses).to.be.greaterThan((2 * text.length) / 70_000 - 4)
  })

  it('is known to be finite or not, and is gone through no more for that', async () => {
    const rows = (last: string) => `{"rows":[${'{"at":1.5},'.repeat(20_000)}${last}]}`
    for (const [last, expected] of [
      ['{"at":1}', true],
      ['{"at":1e999}', false],
      ['[[-1e999]]', false],
      ['"1e999"', true],
    ] as const) {
      const read = (await parseInSlices(rows(last), USUAL)) as { rows: unknown[] }
      expect([finite(read), finite(read.rows)], last).to.deep.equal([expected, expected])
      const unread = read.rows.map((row) => row)
      read.rows[0] = {
        get at() {
          throw new Error('looked at')
        },
      }
      expect(finite(read.rows), 'remembered').to.equal(expected)
      expect(finite(unread), 'of a list that was recreated').to.equal(expected)
    }
  })

  it('is finite where only the value of a key that counts, its last one, is', async () => {
    const filler = Array.from({ length: 10_000 }, (_, n) => `"k${n}":1.5`).join()
    for (const [first, last, expected] of [
      ['1e999', '1', true],
      ['1', '1e999', false],
      ['[-1e999]', '[1]', true],
      [`[${'1e999,'.repeat(20_000)}1]`, '0', true],
    ] as const) {
      const read = await parseInSlices(`{"a":${first},${filler},"a":${last}}`, USUAL)
      expect(finite(read), `${first.slice(0, 10)} then ${last}`).to.equal(expected)
    }
  })

  it('is refused when it is too deep or of too many parts, before any of it is read', async () => {
    const wideAndDeep = (depth: number) => `[${BLANKS}`.repeat(2) + '['.repeat(depth - 2) + ']'.repeat(depth)
    expect(await read(wideAndDeep(MAX_DEPTH))).to.be.an('array')
    expect(await read(wideAndDeep(MAX_DEPTH + 1))).to.be.instanceOf(JsonDepthError)
    for (const text of [`[${'{},'.repeat(99)}{}]`, `{${'"k":1,'.repeat(99)}"k":1}`, `{"a":${'['.repeat(99)}${']'.repeat(99)}}`]) {
      expect(await parseInSlices(text, { ...USUAL, maxParts: 101 })).to.deep.equal(JSON.parse(text))
      const error = await parseInSlices(text, { ...USUAL, maxParts: 100 }).catch((error) => error)
      expect(error).to.be.instanceOf(JsonPartsError)
    }
  })
})
