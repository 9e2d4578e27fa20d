import { expect } from 'chai'
import fc from 'fast-check'
import { asRegistered, ourSchemas } from '#platform/log/kafka/schemas.ts'
import { decodeWire, framed, plainWire } from '#platform/log/kafka/wire.ts'
import { OperatorError } from '#platform/operator-error.ts'

describe('a payload on the wire', () => {
  const ids = fc.integer({ min: 1, max: 2 ** 32 - 1 })

  it('comes back to the letter, with a frame and without', () =>
    fc.assert(
      fc.property(ids, fc.json(), (id, data) => {
        const event = { topic: 't', type: 'T', schema: 1, data }
        expect(decodeWire(framed(id, data))).to.equal(data)
        expect(decodeWire(plainWire.encode(event))).to.equal(data)
      }),
    ))

  it("has Confluent's frame: a zero byte, the id in four bytes, the text", () =>
    fc.assert(
      fc.property(ids, fc.json(), (id, data) => {
        const value = framed(id, data)
        expect([value[0], value.readUInt32BE(1), value.subarray(5).toString()]).to.deep.equal([0, id, data])
      }),
    ))
})

describe('a schema as it is registered', () => {
  it('is the committed one, as draft 7', async () => {
    for (const { schema } of await ourSchemas())
      expect(JSON.parse(asRegistered(schema))).to.deep.equal({ ...schema, $schema: 'http://json-schema.org/draft-07/schema#' })
  })

  it('is refused when it says what draft 7 cannot say, and not when a field only has such a name', () => {
    const nested = { title: 'T', type: 'object', properties: { pair: { prefixItems: [{ type: 'string' }] } } }
    expect(() => asRegistered(nested)).to.throw(OperatorError, 'T: the keyword prefixItems cannot be registered as draft 7')
    const harmless = { type: 'object', properties: { prefixItems: { const: { $defs: 1 } } } }
    expect(() => asRegistered(harmless)).not.to.throw()
  })
})
