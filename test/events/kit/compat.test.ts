import { expect } from 'chai'
import fc from 'fast-check'
import { z } from 'zod'
import { differences, incompatibilities } from '#events/kit/compat.ts'
import { jsonSchemaOf } from '#events/kit/json-schema.ts'
import { stream } from '#events/kit/stream.ts'

const things = stream('thing', { topic: { name: 'things', partitions: 1 }, id: () => 1, key: () => 1 })
const schemaOf = (data: z.ZodType<object>) => jsonSchemaOf(things.event('Made', 1, data))
const fields = (older: z.ZodType<object>, newer: z.ZodType<object>) =>
  differences(schemaOf(older), schemaOf(newer)).map(
    ({ field, what, compatible }) => `${compatible ? 'fine' : 'not'}: ${field} ${what}`,
  )

const base = z.object({
  id: z.int().positive(),
  text: z.string().nullable(),
  note: z.string().min(2).max(9).optional(),
  kind: z.enum(['a', 'b']),
  rows: z.array(z.object({ text: z.string(), offset: z.number().optional() })),
  place: z.object({ x: z.number(), y: z.number().optional() }),
  either: z.discriminatedUnion('by', [
    z.object({ by: z.literal('user') }),
    z.object({ by: z.literal('ai'), model: z.string().optional() }),
  ]),
  pair: z.tuple([z.string(), z.int()]),
  counts: z.record(z.string(), z.int()),
})
const { shape } = base
const row = shape.rows.element

describe('a JSON Schema of a payload', () => {
  it('is open to readers, who pass over fields they do not know', () => {
    expect(schemaOf(base)).to.include({ title: 'Made', type: 'object', additionalProperties: true })
    expect(schemaOf(base)).to.have.nested.property('properties.rows.items.additionalProperties', true)
  })

  it('stays closed where the declaration is strict, and keeps what a loose one lets through', () => {
    expect(schemaOf(z.strictObject({})).additionalProperties).to.equal(false)
    expect(schemaOf(z.looseObject({})).additionalProperties).to.deep.equal({})
  })

  it('names the type that has none', () =>
    expect(() => schemaOf(z.object({ at: z.date() }))).to.throw(/^Made has no JSON Schema: /))
})

describe('a compatible change', () => {
  const fine: Record<string, [z.ZodType<object>, string[]]> = {
    'no change': [base, []],
    'another order of fields': [z.object(Object.fromEntries(Object.entries(shape).reverse())), []],
    'another order of an enumeration': [base.extend({ kind: z.enum(['b', 'a']) }), []],
    'another description': [base.describe('what it is').extend({ id: shape.id.describe('its number') }), []],
    'a new optional field': [base.extend({ colour: z.string().optional() }), ['fine: colour is new']],
    'a new optional field further down': [
      base.extend({ place: shape.place.extend({ z: z.number().optional() }) }),
      ['fine: place.z is new'],
    ],
    'a new optional field in each row': [
      base.extend({ rows: z.array(row.extend({ by: z.string().optional() })) }),
      ['fine: rows[].by is new'],
    ],
    'an optional field that goes': [base.omit({ note: true }), ['fine: note is gone']],
    'an optional field called constructor': [base.extend({ constructor: z.string().optional() }), ['fine: constructor is new']],
  }
  for (const [name, [newer, what]] of Object.entries(fine))
    it(`is ${name}`, () => expect(fields(base, newer)).to.deep.equal(what))
})

describe('another default', () => {
  it('refuses nothing that was written, but asks for a new version', () =>
    expect(fields(z.object({ a: z.string().default('x') }), z.object({ a: z.string().default('y') }))).to.deep.equal([
      'fine: a default was "x" and is "y" now',
    ]))
})

describe('an incompatible change', () => {
  const not: Record<string, [z.ZodType<object>, string[]]> = {
    'a new required field': [base.extend({ colour: z.string() }), ['not: colour is new and required']],
    'a new field with a default, for it is always written': [
      base.extend({ colour: z.string().default('grey') }),
      ['not: colour is new and required'],
    ],
    'a required field that goes': [base.omit({ id: true }), ['not: id was required and is gone']],
    'a required field made optional': [base.extend({ id: shape.id.optional() }), ['not: id was required and is optional now']],
    'an optional field made required': [
      base.extend({ note: shape.note.unwrap() }),
      ['not: note was optional and is required now'],
    ],
    'a renamed field': [
      base.omit({ id: true }).extend({ number: shape.id }),
      ['not: id was required and is gone', 'not: number is new and required'],
    ],
    'another type': [base.extend({ kind: z.int() }), ['not: kind type was "string" and is "integer" now']],
    'a wider type': [base.extend({ kind: z.string() }), ['not: kind enum was ["a","b"] and is absent now']],
    'a type that takes null': [base.extend({ place: shape.place.nullable() }), ['not: place']],
    'a type that takes null no more': [
      base.extend({ text: z.string() }),
      ['not: text type was ["string","null"] and is "string" now'],
    ],
    'one value more': [base.extend({ kind: z.enum(['a', 'b', 'c']) }), ['not: kind enum was ["a","b"] and is ["a","b","c"] now']],
    'one value less': [base.extend({ kind: z.enum(['a']) }), ['not: kind']],
    'another lower bound': [
      base.extend({ note: z.string().min(3).max(9).optional() }),
      ['not: note minLength was 2 and is 3 now'],
    ],
    'another upper bound': [
      base.extend({ note: z.string().min(2).max(10).optional() }),
      ['not: note maxLength was 9 and is 10 now'],
    ],
    'a bound less': [base.extend({ id: z.int() }), ['not: id']],
    'a pattern': [
      base.extend({ note: z.string().min(2).max(9).regex(/^x/).optional() }),
      ['not: note pattern was absent and is "^x" now'],
    ],
    'a format': [base.extend({ text: z.iso.datetime().nullable() }), ['not: text']],
    'another type further down': [base.extend({ place: shape.place.extend({ x: z.string() }) }), ['not: place.x']],
    'another type in each row': [base.extend({ rows: z.array(row.extend({ text: z.int() })) }), ['not: rows[].text type was']],
    'a required field in each row': [
      base.extend({ rows: z.array(row.extend({ by: z.string() })) }),
      ['not: rows[].by is new and required'],
    ],
    'another alternative': [
      base.extend({ either: z.discriminatedUnion('by', [...shape.either.options, z.object({ by: z.literal('nobody') })]) }),
      ['not: either|3 was absent'],
    ],
    'a required field in an alternative': [
      base.extend({
        either: z.discriminatedUnion('by', [shape.either.options[0], shape.either.options[1].extend({ model: z.string() })]),
      }),
      ['not: either|2.model was optional and is required now'],
    ],
    'a longer tuple': [base.extend({ pair: z.tuple([z.string(), z.int(), z.int()]) }), ['not: pair[2] was absent']],
    'another type in a tuple': [base.extend({ pair: z.tuple([z.string(), z.string()]) }), ['not: pair[1]']],
    'another type in a record': [base.extend({ counts: z.record(z.string(), z.string()) }), ['not: counts.*']],
    'closing an object': [base.extend({ place: z.strictObject(shape.place.shape) }), ['not: place.* was true and is false now']],
  }
  for (const [name, [newer, beginnings]] of Object.entries(not))
    it(`is ${name}`, () => {
      const found = fields(base, newer)
      for (const beginning of beginnings)
        expect(
          found.some((f) => f.startsWith(beginning)),
          `${beginning} in ${found}`,
        ).to.equal(true)
      expect(found.filter((f) => f.startsWith('not: ')).length).to.be.at.least(1)
    })

  it('is found inside of a thing that holds things like itself', () => {
    const tree = (size: z.ZodType) => {
      const node = z.object({
        size,
        get children() {
          return z.array(node)
        },
      })
      return z.object({ root: node, other: node })
    }
    expect(fields(tree(z.int()), tree(z.int()))).to.deep.equal([])
    expect(fields(tree(z.boolean()), tree(z.string()))).to.satisfy((all: string[]) =>
      all.some((f) => /^not: .*size type was "boolean"/.test(f)),
    )
    expect(fields(tree(z.boolean()), tree(z.boolean().optional())).join()).to.match(
      /not: .*size was required and is optional now/,
    )
  })

  it('is a new field where unknown ones are refused', () =>
    expect(fields(z.strictObject({}), z.strictObject({ a: z.string().optional() }))).to.deep.equal([
      'not: a is new, and the other version refuses fields it does not know',
    ]))

  it('is a new field of another type than the unknown ones had', () => {
    const counts = z.object({}).catchall(z.int())
    expect(fields(counts, z.object({ a: z.int().optional() }).catchall(z.int()))).to.deep.equal(['fine: a is new'])
    expect(fields(counts, z.object({ a: z.string().optional() }).catchall(z.int()))).to.include(
      'not: a type was "integer" and is "string" now',
    )
  })
})

// Payloads at random, and data that fits them ---------------------------------------------------

interface Field<D = unknown> {
  type: z.ZodType<D>
  value: fc.Arbitrary<unknown>
}

const leaf: fc.Arbitrary<Field> = fc.constantFrom<Field>(
  { type: z.string(), value: fc.string() },
  { type: z.string().min(2), value: fc.string({ minLength: 2 }) },
  { type: z.int(), value: fc.maxSafeInteger() },
  { type: z.int().positive(), value: fc.integer({ min: 1 }) },
  { type: z.boolean(), value: fc.boolean() },
  { type: z.enum(['a', 'b']), value: fc.constantFrom('a', 'b') },
  { type: z.string().nullable(), value: fc.option(fc.string()) },
)
const names = ['id', 'text', 'rows', 'kind', 'size']
const optional = ({ type, value }: Field): Field => ({ type: type.optional(), value: fc.option(value, { nil: undefined }) })
const perhapsOptional = (field: fc.Arbitrary<Field>) => fc.tuple(field, fc.boolean()).map(([f, is]) => (is ? optional(f) : f))
const objectOf = (parts: Record<string, Field>): Field<object> => ({
  type: z.object(Object.fromEntries(Object.entries(parts).map(([name, { type }]) => [name, type]))),
  value: fc.record(Object.fromEntries(Object.entries(parts).map(([name, { value }]) => [name, value]))),
})
const { anyField } = fc.letrec<{ anyField: Field; anyObject: Field }>((tie) => ({
  anyField: fc.oneof(
    { maxDepth: 2 },
    leaf,
    tie('anyObject'),
    tie('anyField').map(({ type, value }) => ({ type: z.array(type), value: fc.array(value, { maxLength: 3 }) })),
  ),
  anyObject: fc.dictionary(fc.constantFrom(...names), perhapsOptional(tie('anyField')), { maxKeys: 4 }).map(objectOf),
}))
const anyParts = fc.dictionary(fc.constantFrom(...names), perhapsOptional(anyField), { maxKeys: 5 })
const anyPayload = anyParts.map(objectOf)

const written = (value: unknown) => JSON.parse(JSON.stringify(value))

describe('of any two payloads', () => {
  it('a payload is compatible with itself', () =>
    fc.assert(
      fc.property(anyPayload, ({ type }) => {
        expect(differences(schemaOf(type), schemaOf(type))).to.deep.equal([])
      }),
    ))

  it('compatibility goes both ways', () =>
    fc.assert(
      fc.property(anyPayload, anyPayload, (one, other) => {
        const there = incompatibilities(schemaOf(one.type), schemaOf(other.type)).map(({ field }) => field)
        const back = incompatibilities(schemaOf(other.type), schemaOf(one.type)).map(({ field }) => field)
        expect(there.sort()).to.deep.equal(back.sort())
      }),
    ))

  it('compatible ones read what the other wrote', () => {
    let compatible = 0
    // A change to a few fields rather than any two payloads: most of those would have nothing in common.
    const twoPayloads = fc.record({ common: anyParts, before: anyParts, after: anyParts })
    const twoPayloadsAndData = twoPayloads.chain(({ common, before, after }) => {
      const [older, newer] = [objectOf({ ...before, ...common }), objectOf({ ...after, ...common })]
      return fc.record({ older: fc.constant(older), newer: fc.constant(newer), old: older.value, young: newer.value })
    })
    fc.assert(
      fc.property(twoPayloadsAndData, ({ older, newer, old, young }) => {
        if (incompatibilities(schemaOf(older.type), schemaOf(newer.type)).length) return
        compatible++
        expect(newer.type.safeParse(asWrittenBy(older, old)).success, 'old data').to.equal(true)
        expect(older.type.safeParse(asWrittenBy(newer, young)).success, 'new data').to.equal(true)
      }),
      { numRuns: 2000 },
    )
    expect(compatible).to.be.greaterThan(50)
  })

  it('a new optional field anywhere is fine', () =>
    fc.assert(
      fc.property(anyParts, anyField, (parts, field) => {
        const newer = { ...parts, colour: optional(field) }
        expect(incompatibilities(schemaOf(objectOf(parts).type), schemaOf(objectOf(newer).type))).to.deep.equal([])
      }),
    ))

  it('a new required field is not', () =>
    fc.assert(
      fc.property(anyParts, anyField, (parts, field) => {
        const found = incompatibilities(schemaOf(objectOf(parts).type), schemaOf(objectOf({ ...parts, colour: field }).type))
        expect(found.map((f) => f.field)).to.deep.equal(['colour'])
      }),
    ))

  it('another type of a field is not, and it is named', () =>
    fc.assert(
      fc.property(anyParts, perhapsOptional(anyField), (parts, field) => {
        const older = schemaOf(objectOf({ ...parts, colour: field }).type)
        const newer = schemaOf(objectOf({ ...parts, colour: { ...field, type: z.literal(17) } }).type)
        expect(incompatibilities(older, newer).map((f) => f.field)).to.include('colour')
      }),
    ))
})

/** Writers check, too: only what they declare is ever written. */
const asWrittenBy = ({ type }: Field, value: unknown) => written(type.parse(written(value)))
