import { expect } from 'chai'
import fc from 'fast-check'
import { z } from 'zod'
import { catalog } from '#events/catalog.ts'
import { views } from '#projections/index.ts'
import { isMask, MASK, masked } from '#services/ops/mask.ts'

/** What people write: four letters or more that are in no name of ours. */
const written = fc
  .oneof(fc.string({ minLength: 4, maxLength: 60, unit: 'binary' }), fc.emailAddress(), fc.webUrl({ withQueryParameters: true }))
  .map((text) => `wrote ${text}`)

/** A value like the schema says, with what somebody wrote wherever it takes any text. */
function like(schema: z.core.JSONSchema._JSONSchema, root = schema): fc.Arbitrary<unknown> {
  if (typeof schema === 'boolean') return fc.oneof(written, fc.integer(), fc.dictionary(written, written))
  if (schema.$ref) return like(Object(root).$defs[schema.$ref.split('/').at(-1)!], root)
  const any = schema.anyOf ?? schema.oneOf
  if (any) return fc.oneof(...any.map((one) => like(one, root)))
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.type === 'array') {
    const items = schema.items as z.core.JSONSchema._JSONSchema | undefined
    return items ? fc.array(like(items, root), { maxLength: 3 }) : fc.array(written, { maxLength: 3 })
  }
  if (schema.type === 'object' && schema.properties)
    return fc.record(Object.fromEntries(Object.entries(schema.properties).map(([key, one]) => [key, like(one, root)])))
  if (schema.type === 'string' && !schema.pattern && !schema.format) return written
  if (schema.type === 'string') return fc.constant('')
  if (schema.type === 'number' || schema.type === 'integer') return fc.integer()
  if (schema.type === 'boolean') return fc.boolean()
  if (schema.type === 'null') return fc.constant(null)
  return fc.oneof(written, fc.dictionary(written, written), fc.array(written))
}

const survives = (shown: unknown) => JSON.stringify(shown).includes('wrote')

describe('a payload that is not revealed', () => {
  for (const { type, data } of catalog.values())
    it(`shows nothing of what people wrote in ${type}`, () => {
      const payload = like(z.toJSONSchema(data, { unrepresentable: 'any', io: 'input' }))
      fc.assert(
        fc.property(payload, (payload) => {
          expect(survives(masked(payload))).to.equal(false)
        }),
        { numRuns: 30 },
      )
    })

  it('shows nothing of what people wrote in any row of any view, not even as a key', () => {
    const columns = [...new Set(views.flatMap((view) => Object.keys(view.columns)))]
    const row = fc.dictionary(
      fc.oneof(fc.constantFrom(...columns), written),
      fc.oneof(written, fc.array(written), fc.dictionary(written, written)),
    )
    fc.assert(
      fc.property(row, (row) => {
        expect(survives(masked(row))).to.equal(false)
      }),
    )
  })

  it('keeps its shape, numbers, ids and kinds, so that a story can be followed', () => {
    const note = {
      noteId: 7,
      videoId: 'dQw4w9WgXcQ',
      userId: 3,
      timestamp: '0:43',
      text: 'Tea at four with Ada',
      generatedByAi: true,
    }
    expect(masked(note)).to.deep.equal({ ...note, text: `${MASK}(20)` })
    expect(masked({ request: 'note-42', attempt: 2, messageId: 'c2a6e9c4-8f0a-4a86-9d7e-2a1f3b9c0d1e' })).to.deep.equal({
      request: 'note-42',
      attempt: 2,
      messageId: 'c2a6e9c4-8f0a-4a86-9d7e-2a1f3b9c0d1e',
    })
    expect(masked({ guests: [null, 1, ''], title: null })).to.deep.equal({ [`${MASK}1`]: [null, 1, ''], title: null })
  })

  it('masks texts also in the fields of ids and kinds, where they are none', () => {
    const posing = {
      videoId: 'call me at 5',
      kind: 'ada@example.com',
      status: 'secret',
      language: 'Ada-Lovelace',
      timestamp: 'at noon',
      act: 'x',
    }
    for (const value of Object.values(masked(posing) as object)) expect(isMask(value), value).to.equal(true)
  })

  it('is masked whatever it is', () => {
    fc.assert(fc.property(fc.anything(), (thing) => void masked(thing)))
    expect(masked(JSON.parse('{"__proto__":{"text":"Tea at four"}}'))).to.deep.equal({ [`${MASK}1`]: { text: `${MASK}(11)` } })
  })
})
