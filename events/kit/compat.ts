import type { JsonSchema } from './json-schema.ts'

/**
 * One way in which two schemas of a payload differ.
 *
 * `compatible`: data written under either schema can still be read under the other.
 */
export interface Difference {
  /** Such as `rows[].text`; `payload` for the whole payload. */
  field: string
  /** Continues a sentence that begins with the field: `was optional and is required now`. */
  what: string
  compatible: boolean
}

/**
 * What changed from the older to the newer schema of a payload. Annotations (titles, descriptions) do not count.
 *
 * Old data must be readable under the new schema and new data under the old one, so only optional fields may be added or removed.
 * Readers ignore unknown fields (`additionalProperties: true`) and writers write none. A new field therefore cannot meet old data
 * under the same name, unless an older version had that field: compare with all versions.
 */
export function differences(older: JsonSchema, newer: JsonSchema): Difference[] {
  return ofSchema(older, newer, '')
}

/** The differences that make data of one schema unreadable under the other. */
export const incompatibilities = (older: JsonSchema, newer: JsonSchema) => differences(older, newer).filter((d) => !d.compatible)

type Compare<T> = (older: T, newer: T, at: string) => Difference[]

const ANNOTATIONS = new Set(['$schema', '$id', '$comment', 'title', 'description', 'examples', 'deprecated'])
const OF_OBJECTS = new Set(['properties', 'required', 'additionalProperties'])

const ofSchema: Compare<unknown> = (older, newer, at) => {
  if (!isSchema(older) || !isSchema(newer)) return same(older, newer) ? [] : [differs(at, older, newer)]
  const keywords = [...union(older, newer)].filter((keyword) => !ANNOTATIONS.has(keyword) && !OF_OBJECTS.has(keyword))
  return [...ofFields(older, newer, at), ...keywords.flatMap((keyword) => ofKeyword(keyword, older[keyword], newer[keyword], at))]
}

function ofKeyword(keyword: string, older: unknown, newer: unknown, at: string): Difference[] {
  // A default fills in a missing value and rejects nothing, so a change of it is compatible.
  if (keyword === 'default') return same(older, newer) ? [] : [{ ...differs(at, older, newer, keyword), compatible: true }]
  if (older === undefined || newer === undefined) return [differs(at, older, newer, keyword)]
  switch (keyword) {
    case 'items':
      return ofSchema(older, newer, `${at}[]`)
    case 'prefixItems':
      return ofList(older as unknown[], newer as unknown[], (i) => `${at}[${i}]`)
    // Compared in pairs and in order: zod takes the first alternative that fits, so their order matters.
    case 'anyOf':
    case 'oneOf':
    case 'allOf':
      return ofList(older as unknown[], newer as unknown[], (i) => `${at}|${i + 1}`)
    case '$defs':
      return [...union(older, newer)].flatMap((name) =>
        ofSchema((older as JsonSchema)[name], (newer as JsonSchema)[name], `${at}#${name}`),
      )
    case 'type':
    case 'enum':
      return same(sorted(older), sorted(newer)) ? [] : [differs(at, older, newer, keyword)]
    default:
      return same(older, newer) ? [] : [differs(at, older, newer, keyword)]
  }
}

function ofList(older: unknown[], newer: unknown[], at: (index: number) => string): Difference[] {
  const longer = older.length > newer.length ? older : newer
  return longer.flatMap((_, i) => ofSchema(older[i], newer[i], at(i)))
}

const ofFields: Compare<JsonSchema> = (older, newer, at) => {
  const [before, after] = [fieldsOf(older), fieldsOf(newer)]
  const fields = union(before.properties, after.properties, before.required, after.required)
  return [
    ...ofSchema(before.others, after.others, `${at}.*`),
    ...[...fields].flatMap((name) => ofField(name, before, after, dot(at, name))),
  ]
}

function ofField(name: string, before: Fields, after: Fields, at: string): Difference[] {
  const wasRequired = name in before.required
  const isRequired = name in after.required
  const was = before.properties[name]
  const is = after.properties[name]
  const switched = wasRequired === isRequired ? [] : [{ field: at, what: switchOf(was, is, isRequired), compatible: false }]
  if (was !== undefined && is !== undefined) return [...switched, ...ofSchema(was, is, at)]
  if (switched.length) return switched
  if (was !== undefined) return comesOrGoes(was, after.others, at, 'is gone')
  return is === undefined ? [] : comesOrGoes(is, before.others, at, 'is new')
}

const switchOf = (was: unknown, is: unknown, isRequired: boolean) =>
  isRequired
    ? was === undefined
      ? 'is new and required'
      : 'was optional and is required now'
    : is === undefined
      ? 'was required and is gone'
      : 'was required and is optional now'

/** Whether an optional field that only one side declares fits the other side's rule for undeclared fields. */
function comesOrGoes(field: unknown, others: unknown, at: string, what: string): Difference[] {
  if (others === true) return [{ field: at, what, compatible: true }]
  if (others === false)
    return [{ field: at, what: `${what}, and the other version refuses fields it does not know`, compatible: false }]
  return [{ field: at, what, compatible: true }, ...ofSchema(others, field, at)]
}

/** The object keywords of a schema. `others` is the rule for undeclared fields; by default they are allowed. */
interface Fields {
  properties: JsonSchema
  required: JsonSchema
  others: unknown
}

const fieldsOf = (schema: JsonSchema): Fields => ({
  properties: bare(schema.properties ?? {}),
  required: bare(Object.fromEntries(((schema.required ?? []) as string[]).map((name) => [name, true]))),
  others: schema.additionalProperties ?? true,
})

/** Without a prototype: a field may be called `constructor`. */
const bare = (fields: object): JsonSchema => Object.assign(Object.create(null), fields)

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null
const union = (...objects: unknown[]) => new Set(objects.flatMap((object) => Object.keys(object as object)))
const sorted = (value: unknown) => [value].flat().map(canonical).sort()
const same = (a: unknown, b: unknown) => canonical(a) === canonical(b)
const dot = (at: string, name: string) => (at ? `${at}.${name}` : name)

const differs = (at: string, older: unknown, newer: unknown, keyword = ''): Difference => ({
  field: at || 'payload',
  what: [keyword, 'was', shown(older), 'and is', shown(newer), 'now'].filter(Boolean).join(' '),
  compatible: false,
})

const shown = (value: unknown) => (value === undefined ? 'absent' : canonical(value))

/** JSON text that is equal for equal values, whatever the order of their keys. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part) =>
    isSchema(part) && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  ) ?? 'undefined'
