import fc from 'fast-check'
import { z } from 'zod'
import { catalog } from '#events/catalog.ts'
import type { NewEvent } from '#events/kit/envelope.ts'
import type { EventType } from '#events/kit/stream.ts'

export const everyType: readonly EventType[] = [...catalog.values()]

/** Any JavaScript string: with NUL, emoji, lone surrogates, words. */
export const anyText = fc.oneof(
  fc.constantFrom('', ' ', 'mine', '\u0000', '\ud83d', '😀é', '"quoted" \\ \u2028', '__proto__'),
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map((units) => String.fromCharCode(...units)),
)

/** Longer texts show nothing new. */
const ENOUGH = 40
// JSON has no minus zero, and zod rejects NaN and infinities.
const anyNumber = (min: number | undefined) =>
  fc.double({ ...(min !== undefined && { min }), noNaN: true, noDefaultInfinity: true }).map((number) => number + 0)

/** What a schema cannot say of a field, by its name. */
const KNOWN: Record<string, fc.Arbitrary<unknown>> = {
  email: fc.emailAddress().map((address) => address.toLowerCase()),
  metadata: fc.json(),
}

type Schema = z.core.JSONSchema.JSONSchema

/** Any value that fits the schema, with every field that may be missing also left out. */
function anyLike(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => anyLike(one as Schema)))
  if (Array.isArray(schema.type))
    return fc.oneof(...schema.type.map((type: Schema['type']) => anyLike({ ...schema, type } as Schema)))
  switch (schema.type) {
    case 'object':
      return anyObject(schema)
    case 'array':
      return fc.array(anyLike(schema.items as Schema), { minLength: schema.minItems ?? 0, maxLength: schema.maxItems ?? 10 })
    case 'string':
      return anyString(schema)
    case 'integer':
      return fc.integer({ min: schema.minimum ?? Number(schema.exclusiveMinimum) + 1, max: schema.maximum! })
    case 'number':
      return anyNumber(schema.minimum)
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    default:
      throw new Error(`no random values for ${JSON.stringify(schema)}`)
  }
}

function anyObject({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
  const fields = Object.entries(properties).map(([name, one]) => [name, KNOWN[name] ?? anyLike(one as Schema)] as const)
  return fc.record(Object.fromEntries(fields), { requiredKeys: required })
}

function anyString({ pattern, minLength = 0, maxLength }: Schema): fc.Arbitrary<string> {
  if (pattern) return fc.stringMatching(new RegExp(pattern))
  if (minLength === 0 && maxLength === undefined) return anyText
  return fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength ?? ENOUGH, ENOUGH) })
}

/** Events of one type with any valid payload. */
export const anyOf = (type: EventType): fc.Arbitrary<NewEvent> =>
  anyLike(z.toJSONSchema(type.data, { io: 'input' }) as Schema).map((payload) => type(payload))

/** Any event of any type. */
export const anyEvent: fc.Arbitrary<NewEvent> = fc.oneof(...everyType.map(anyOf))
