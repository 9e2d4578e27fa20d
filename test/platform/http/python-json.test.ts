import { expect } from 'chai'
import fc from 'fast-check'
import { JsonText } from '#platform/http/json.ts'
import { pythonJson } from '#platform/http/python-json.ts'

describe('JSON as Python writes it', () => {
  it('has a blank after commas and colons, but not within texts', () => {
    expect(pythonJson({ a: [1, 2, { b: null }], 'c:d,e': ':,', f: [], g: {} })).to.equal(
      '{"a": [1, 2, {"b": null}], "c:d,e": ":,", "f": [], "g": {}}',
    )
  })

  it('escapes all that is not printable ASCII, pairs of surrogates as two', () => {
    expect(pythonJson('é\u2028😀\u007f\0\n"\\/ ~')).to.equal('"\\u00e9\\u2028\\ud83d\\ude00\\u007f\\u0000\\n\\"\\\\/ ~"')
    expect(pythonJson({ ключ: 1 })).to.equal('{"\\u043a\\u043b\\u044e\\u0447": 1}')
    expect(pythonJson('\ud800')).to.equal('"\\ud800"')
  })

  it('keeps numbers and the order of keys of written JSON to the letter, spaced again', () => {
    const written = '{ "b":12345678901234567890,\n"1" :1.50,"0":[-0.0, 1e5 ],"t":"\\u00E9\\/\\u0041é" }'
    expect(pythonJson(new JsonText(written))).to.equal(
      '{"b": 12345678901234567890, "1": 1.50, "0": [-0.0, 1e5], "t": "\\u00e9/A\\u00e9"}',
    )
  })

  it('takes texts of any length', () => {
    expect(pythonJson('x'.repeat(5_000_000))).to.have.length(5_000_002)
    expect(pythonJson('\\'.repeat(1_000_000))).to.have.length(2_000_002)
    expect(pythonJson('é'.repeat(1_000_000))).to.have.length(6_000_002)
  })

  it('means what it was made from', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (value, isIndented) => {
        const text = pythonJson(new JsonText(JSON.stringify(value, null, isIndented ? 2 : undefined)))
        expect(text).to.match(/^[\x20-\x7e]*$/)
        expect(text).to.equal(pythonJson(value))
        expect(JSON.parse(text)).to.deep.equal(JSON.parse(JSON.stringify(value)))
      }),
    )
  })
})
