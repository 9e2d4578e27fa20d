import type { JsonSchema } from '#events/kit/json-schema.ts'
import type { CommittedSchema } from '#events/kit/schema-history.ts'
import { readCommittedSchemas, SCHEMAS_FOLDER } from '#platform/log/committed-schemas.ts'

export interface SchemaVersion {
  version: number
  schema: JsonSchema
  /** Compared with the version before; empty for the first. */
  changes: string[]
}

export interface TypeSchemas {
  topic: string
  type: string
  /** Oldest first. */
  versions: SchemaVersion[]
}

/** The committed schemas of all versions of all event types, sorted by topic and type. */
export async function allSchemas(folder = SCHEMAS_FOLDER): Promise<TypeSchemas[]> {
  const { committed } = await readCommittedSchemas(folder)
  const byType = Map.groupBy(committed, ({ topic, type }) => `${topic} ${type}`)
  return [...byType.values()]
    .map((all) => versionsOf(all))
    .toSorted((a, b) => (`${a.topic} ${a.type}` < `${b.topic} ${b.type}` ? -1 : 1))
}

function versionsOf(all: readonly CommittedSchema[]): TypeSchemas {
  const inOrder = all.toSorted((a, b) => a.version - b.version)
  const { topic, type } = inOrder[0]!
  const versions = inOrder.map(({ version, schema }, i) => ({
    version,
    schema: schema as JsonSchema,
    changes: i === 0 ? [] : differences(inOrder[i - 1]!.schema as JsonSchema, schema as JsonSchema),
  }))
  return { topic, type, versions }
}

/** Differences of a newer schema from an older one, a sentence for each field. */
export function differences(older: JsonSchema, newer: JsonSchema): string[] {
  const [before, after] = [fieldsOf(older), fieldsOf(newer)]
  const names = [...new Set([...before.keys(), ...after.keys()])]
  return names.flatMap((name) => {
    const [old, now] = [before.get(name), after.get(name)]
    if (!old) return [`${name} came: ${now!.text}${now!.isRequired ? '' : ', optional'}`]
    if (!now) return [`${name} went: ${old.text}`]
    const required = old.isRequired === now.isRequired ? [] : [`${name} is ${now.isRequired ? 'required' : 'optional'} now`]
    const text = old.text === now.text ? [] : [`${name} was ${old.text}, and is ${now.text}`]
    return [...required, ...text]
  })
}

interface Field {
  text: string
  isRequired: boolean
}

/** The fields of an object at any depth, by path. */
function fieldsOf(schema: JsonSchema, prefix = ''): Map<string, Field> {
  const { properties = {}, required = [] } = schema as { properties?: Record<string, JsonSchema>; required?: string[] }
  return new Map(
    Object.entries(properties).flatMap(([name, field]): [string, Field][] => {
      const path = prefix + name
      const isObject = 'properties' in field
      const text = isObject ? 'object' : JSON.stringify(field)
      return [[path, { text, isRequired: required.includes(name) }], ...(isObject ? fieldsOf(field, `${path}.`) : [])]
    }),
  )
}
