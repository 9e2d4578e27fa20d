import { expect } from 'chai'
import fc from 'fast-check'
import { memberOf } from '#platform/http/json-member.ts'

const memberText = async (json: string, key: string) => (await memberOf(Buffer.from(json), key))?.toString()

describe('a member of a JSON text', () => {
  it('comes out to the letter, without blanks between its parts', async () => {
    const object = '{ "2":12345678901234567890 ,\n"1": [1.50, {"a b" : "c , d  \\" }"}] , "__proto__":{} }'
    const json = ` {"x": {"wanted": 1}, "y":"\\"wanted\\":", "wanted" :\t${object}\r, "z" : null } `
    expect(await memberText(json, 'wanted')).to.equal(
      '{"2":12345678901234567890,"1":[1.50,{"a b":"c , d  \\" }"}],"__proto__":{}}',
    )
    expect(await memberText(json, 'y')).to.equal('"\\"wanted\\":"')
    expect(await memberText(json, 'z')).to.equal('null')
    expect(await memberText(json, 'a b')).to.equal(undefined)
    expect(await memberText('{}', 'a')).to.equal(undefined)
    expect(await memberText('{"a":-1.5e3}', 'a')).to.equal('-1.5e3')
  })

  it('is the last one of its name, however that is written', async () => {
    expect(await memberText('{"a":1,"\\u0061":2,"b":3}', 'a')).to.equal('2')
  })

  it('parses as it does within the whole', async () => {
    const key = fc.constantFrom('a', 'b', '', '"', '\\', '__proto__', 'é')
    const member = fc.tuple(key, fc.json(), fc.stringMatching(/^[ \t\n\r]{0,3}$/))
    await fc.assert(
      fc.asyncProperty(fc.array(member), key, async (members, wanted) => {
        const json = `{${members.map(([k, v, blank]) => `${blank}${JSON.stringify(k)}${blank}:${blank}${v}${blank}`)}}`
        const last = members.findLast(([k]) => k === wanted)
        const text = await memberText(json, wanted)
        expect(text === undefined).to.equal(last === undefined)
        if (last) expect(JSON.parse(text!)).to.deep.equal(JSON.parse(last[1]))
      }),
    )
  })

  it('lets others have their turn, however it is written', async () => {
    for (const value of [
      `[${'1, '.repeat(1_000_000)}1]`,
      `{${'"k":"some text",'.repeat(200_000)}"k":1}`,
      `[${' '.repeat(3_000_000)}]`,
      `[${'"",'.repeat(1_000_000)}""]`,
    ]) {
      let pauses = 0
      const text = await memberOf(Buffer.from(`{"a":${value}}`), 'a', async () => void pauses++)
      expect(text?.equals(Buffer.from(JSON.stringify(JSON.parse(value)))) || value.startsWith('{')).to.equal(true)
      expect(pauses).to.be.greaterThan(value.length / 70_000 - 2)
    }
  })
})
