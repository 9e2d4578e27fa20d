import { expect } from 'chai'
import fc from 'fast-check'
import { JsonDepthError, JsonSyntaxError, MAX_DEPTH, parseJson } from '#platform/http/json.ts'

const offsetIn = (text: string) => {
  try {
    parseJson(text)
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error.offset
    throw error
  }
}

describe('JSON', () => {
  it('is what JSON.parse makes of it', () => {
    fc.assert(fc.property(fc.json(), (text) => void expect(parseJson(text)).to.deep.equal(JSON.parse(text))))
  })

  it('is read in just the same way with a NaN beside it, where JSON.parse gives up', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const [value, nan] = parseJson(`[${text} ,\n NaN]`) as unknown[]
        expect(value).to.deep.equal(JSON.parse(text))
        expect(nan).to.be.NaN
      }),
    )
  })

  it('may hold NaN and Infinity', () => {
    expect(parseJson('{"a":[NaN,Infinity,-Infinity,-1.5e2]}')).to.deep.equal({ a: [Number.NaN, Infinity, -Infinity, -150] })
    expect(parseJson(' NaN ')).to.be.NaN
  })

  it('keeps the last of repeated keys, and a key that is the name of something else', () => {
    expect(parseJson('{"a":1,"a":2}')).to.deep.equal({ a: 2 })
    expect(parseJson('{"a":NaN,"a":2,"__proto__":3}')).to.have.own.property('__proto__', 3)
  })

  it('tells where it stops being JSON', () => {
    const cases: [string, number][] = [
      ['{', 1],
      ['', 0],
      ['{"a":1,}', 7],
      ['{a:1}', 1],
      ['[1 2]', 3],
      ['[1,]', 3],
      ['"abc', 0],
      ['"a\nb"', 2],
      ['"a\\x"', 2],
      ['"a\\u12g4"', 2],
      ['{"a" 1}', 5],
      ['01', 1],
      ['-', 0],
      ['[1]]', 3],
      ['nul', 0],
      ['"\\', 0],
    ]
    for (const [text, offset] of cases) expect(offsetIn(text), text).to.equal(offset)
  })

  it('that is long is read by JSON.parse alone, which is quick to refuse it', () => {
    const long = 'x'.repeat(1024 * 1024)
    expect(parseJson(`["${long}"]`)).to.deep.equal([long])
    expect(offsetIn(`["${long}"`)).to.be.a('number')
    expect(offsetIn(`[NaN,"${long}"]`)).to.be.a('number')
  })

  it('is refused exactly where JSON.parse refuses it, apart from the literals', () => {
    const scraps = fc
      .array(fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '"a"', '1', '-', '.5', 'e1', 'true', ' ', '\\', '\n', '0'))
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(scraps, (text) => {
        let isJson = true
        try {
          JSON.parse(text)
        } catch {
          isJson = false
        }
        expect(offsetIn(text) === undefined).to.equal(isJson)
      }),
      { numRuns: 2000 },
    )
  })

  it(`may be ${MAX_DEPTH} deep and no deeper, well-formed or not`, () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    expect(() => parseJson(nested(MAX_DEPTH))).not.to.throw()
    expect(() => parseJson(nested(MAX_DEPTH).replace('[]', '[NaN]'))).not.to.throw()
    expect(() => parseJson(nested(MAX_DEPTH + 1))).to.throw(JsonDepthError)
    expect(() => parseJson('{"a":'.repeat(1_000_000))).to.throw(JsonDepthError)
    expect(() => parseJson(JSON.stringify(`\\"${'['.repeat(5000)}`))).not.to.throw()
  })
})
