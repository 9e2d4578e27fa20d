import type { Catalog } from './codec.ts'
import { type Difference, differences, incompatibilities } from './compat.ts'
import { type JsonSchema, jsonSchemaOf } from './json-schema.ts'
import type { EventType } from './stream.ts'

/** A committed schema. It stays for ever, because events written under it do. */
export interface CommittedSchema {
  topic: string
  type: string
  version: number
  schema: JsonSchema
}

/** A problem with the schemas that must not reach the log, and how to solve it. */
export interface SchemaProblem {
  type: string
  version?: number
  /** Such as `rows[].text`, when the problem concerns one field. */
  field?: string
  what: string
  todo: string
  /** The schema is fine, but not yet written to its file. */
  unwritten?: true
}

/** File of a schema version, relative to the folder of schemas. */
export const schemaPath = (topic: string, type: string, version: number) => `${topic}/${type}.v${version}.json`

/** Compares the declared events with every schema ever committed (FULL_TRANSITIVE). */
export function schemaProblems(catalog: Catalog, committed: readonly CommittedSchema[]): SchemaProblem[] {
  const byType = Map.groupBy(committed, (c) => c.type)
  const vanished = [...byType.values()]
    .filter(([first]) => !catalog.has(first!.type))
    .map((versions) => vanishedProblem(catalog, versions.at(-1)!))
  return [...vanished, ...[...catalog.values()].flatMap((type) => problemsOf(type, byType.get(type.type) ?? []))]
}

function vanishedProblem(catalog: Catalog, { type, version, topic }: CommittedSchema): SchemaProblem {
  const topicIsLeft = [...catalog.values()].some((other) => other.topic.name === topic)
  const what = topicIsLeft
    ? `is no longer declared on ${topic}`
    : `is no longer declared, nor is anything else on its topic ${topic}`
  return {
    type,
    version,
    what,
    todo: 'declare it again: its events are in the log for ever, though nobody need emit it any more',
  }
}

function problemsOf(type: EventType, committed: readonly CommittedSchema[]): SchemaProblem[] {
  const moved = committed.filter((c) => c.topic !== type.topic.name)
  if (moved.length) return moved.map((c) => movedProblem(type, c))
  const versions = new Map(committed.map((c) => [c.version, c.schema]))
  return [
    ...committed.filter((c) => c.version > type.schema).map((c) => backwardsProblem(type, c)),
    ...olderVersions(type).flatMap((version) => olderProblems(type, version, versions.get(version))),
    ...currentProblems(type, versions),
  ]
}

const movedProblem = (type: EventType, { topic, version }: CommittedSchema): SchemaProblem => ({
  type: type.type,
  version,
  what: `is committed on ${topic} but declared on ${type.topic.name}`,
  todo: `declare it on ${topic} again; for another topic declare a new type of event with another name`,
})

const backwardsProblem = (type: EventType, { version }: CommittedSchema): SchemaProblem => ({
  type: type.type,
  version,
  what: `is committed but declared at version ${type.schema} only`,
  todo: `raise its declaration to version ${version}; versions never go back`,
})

/** A version below the current one needs its committed schema and an upcaster. */
function olderProblems(type: EventType, version: number, schema: JsonSchema | undefined): SchemaProblem[] {
  const problems: SchemaProblem[] = []
  const path = schemaPath(type.topic.name, type.type, version)
  if (!schema)
    problems.push({
      type: type.type,
      version,
      what: 'has no committed schema',
      todo: `bring ${path} back from the version control`,
    })
  if (!type.upcasts[version])
    problems.push({
      type: type.type,
      version,
      what: `cannot be lifted to version ${version + 1}`,
      todo: `declare its upcast: { ${version}: (older) => … }`,
    })
  return problems
}

function currentProblems(type: EventType, versions: ReadonlyMap<number, JsonSchema>): SchemaProblem[] {
  const schema = jsonSchemaOf(type)
  const committed = versions.get(type.schema)
  return [
    ...(committed ? differences(committed, schema).map((d) => changedProblem(type, d)) : [unwrittenProblem(type)]),
    ...olderVersions(type).flatMap((older) =>
      incompatibilities(versions.get(older) ?? schema, schema).map((d) => incompatibleProblem(type, older, d)),
    ),
  ]
}

const unwrittenProblem = (type: EventType): SchemaProblem => ({
  type: type.type,
  version: type.schema,
  what: 'has no committed schema',
  todo: 'run `npx vidwiz schemas write` and commit what it wrote',
  unwritten: true,
})

const incompatibleProblem = (type: EventType, older: number, { field, what }: Difference): SchemaProblem => ({
  type: type.type,
  version: type.schema,
  field,
  what: `${what} (compared with version ${older})`,
  todo: NEW_TYPE,
})

const changedProblem = (type: EventType, { field, what, compatible }: Difference): SchemaProblem => ({
  type: type.type,
  version: type.schema,
  field,
  what: `${what}, but version ${type.schema} is committed otherwise`,
  todo: compatible
    ? `raise the schema version to ${type.schema + 1} and declare the upcast { ${type.schema}: (older) => … }`
    : NEW_TYPE,
})

const NEW_TYPE =
  'take it back: only optional fields may come and go; for anything else declare a new type of event with another name'

const olderVersions = (type: EventType) => Array.from({ length: type.schema - 1 }, (_, i) => i + 1)
