import { expect } from 'chai'
import fc from 'fast-check'
import { memberText } from '#platform/http/json-member.ts'

describe('a member of a JSON text', () => {
  it('comes out to the letter, without blanks between its parts', () => {
    const object = '{ "2":12345678901234567890 ,\n"1": [1.50, {"a b" : "c , d  \\" }"}] , "__proto__":{} }'
    const json = ` {"x": {"wanted": 1}, "y":"\\"wanted\\":", "wanted" :\t${object}\r, "z" : null } `
    expect(memberText(json, 'wanted')).to.equal('{"2":12345678901234567890,"1":[1.50,{"a b":"c , d  \\" }"}],"__proto__":{}}')
    expect(memberText(json, 'y')).to.equal('"\\"wanted\\":"')
    expect(memberText(json, 'z')).to.equal('null')
    expect(memberText(json, 'a b')).to.equal(undefined)
    expect(memberText('{}', 'a')).to.equal(undefined)
    expect(memberText('{"a":-1.5e3}', 'a')).to.equal('-1.5e3')
  })

  it('is the last one of its name, however that is written', () => {
    expect(memberText('{"a":1,"\\u0061":2,"b":3}', 'a')).to.equal('2')
  })

  it('parses as it does within the whole', () => {
    const key = fc.constantFrom('a', 'b', '', '"', '\\', '__proto__', 'é')
    const member = fc.tuple(key, fc.json(), fc.stringMatching(/^[ \t\n\r]{0,3}$/))
    fc.assert(
      fc.property(fc.array(member), key, (members, wanted) => {
        const json = `{${members.map(([k, v, blank]) => `${blank}${JSON.stringify(k)}${blank}:${blank}${v}${blank}`)}}`
        const last = members.findLast(([k]) => k === wanted)
        const text = memberText(json, wanted)
        expect(text === undefined).to.equal(last === undefined)
        if (last) expect(JSON.parse(text!)).to.deep.equal(JSON.parse(last[1]))
      }),
    )
  })
})
