import { incompatibilities } from '#events/kit/compat.ts'
import type { JsonSchema } from '#events/kit/json-schema.ts'
import { type CommittedSchema, schemaPath } from '#events/kit/schema-history.ts'
import type { Settings } from '#platform/config/settings.ts'
import { OperatorError } from '#platform/operator-error.ts'
import { readCommittedSchemas, SCHEMAS_FOLDER } from '../committed-schemas.ts'
import { openRegistry, Refused, type Registry } from './registry.ts'
import { decodeWire, framed, plainWire, type Wire } from './wire.ts'

export interface RegistryOptions {
  url: string
  /** Put before the name of each subject; the same prefix as that of the topics. */
  prefix?: string
  schemas: readonly CommittedSchema[]
}

/** The wire format in the settings: with a schema registry, or plain JSON. @throws OperatorError as `registryWire` does */
export async function openWire({ SCHEMA_REGISTRY_URL: url, KAFKA_PREFIX: prefix }: Settings): Promise<Wire> {
  return url ? registryWire({ url, prefix, schemas: await ourSchemas() }) : plainWire
}

/** The committed schemas. @throws OperatorError when a file among them is not a schema */
export async function ourSchemas(): Promise<CommittedSchema[]> {
  const { committed, problems } = await readCommittedSchemas(SCHEMAS_FOLDER)
  if (problems.length > 0) throw new OperatorError(problems.map(({ type, what }) => `${type} ${what}`).join('\n'))
  return committed
}

/**
 * The wire format of Confluent's clients: a zero byte, the schema's id in the registry in four bytes, and the payload's JSON text
 * unchanged. First registers every committed schema that is not registered yet.
 * @throws OperatorError naming every schema that differs from the registry's, and the differences
 */
export async function registryWire(options: RegistryOptions): Promise<Wire> {
  const ids = await registerSchemas(options)
  return {
    encode({ topic, type, schema, data }) {
      const id = ids.get(schemaPath(topic, type, schema))
      if (id === undefined) throw new Error(`${type} v${schema} is newer than this program: start the one that knows it`)
      return framed(id, data)
    },
    decode: decodeWire,
  }
}

/** TopicRecordNameStrategy: a topic carries several types, and each type has a history of its own. */
export const subjectOf = (prefix: string, topic: string, type: string): string => `${prefix}${topic}-${type}`

/**
 * Registers every schema that the registry does not know, under subjects with the level FULL_TRANSITIVE.
 * @param insist also registers schemas that only the registry refuses: our own rule knows that no writer ever wrote an undeclared
 *   field, a registry must assume that one did (docs/decisions/schemas.md)
 * @returns the ids, by `schemaPath`
 * @throws OperatorError naming every schema that cannot be registered, and why
 */
export async function registerSchemas(
  { url, prefix = '', schemas }: RegistryOptions,
  { insist = false } = {},
): Promise<Map<string, number>> {
  const registry = openRegistry(url)
  const ids = new Map<string, number>()
  const problems: string[] = []
  const ofType = async (versions: readonly CommittedSchema[]) => {
    const [{ topic, type }] = versions as [CommittedSchema]
    const subject = subjectOf(prefix, topic, type)
    // The registry does not know this type, so no one else has written it: all its versions are ours, and our rule is enough.
    const isNew = (await registry.held(subject)).length === 0
    await judgedFully(registry, subject, insist)
    for (const { version, schema } of versions.toSorted((a, b) => a.version - b.version))
      ids.set(schemaPath(topic, type, version), await register(registry, subject, version, schema, insist || isNew))
  }
  const byType = Map.groupBy(schemas, ({ topic, type }) => `${topic} ${type}`)
  const outcomes = await Promise.allSettled([...byType.values()].map(ofType))
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') {
      if (!(outcome.reason instanceof OperatorError)) throw outcome.reason
      problems.push(outcome.reason.message)
    }
  if (problems.length > 0) throw new OperatorError([...new Set(problems)].join('\n'))
  return ids
}

const LEVEL = 'FULL_TRANSITIVE'

/** Gives a new subject its level before its first schema, so that the registry checks every schema. */
async function judgedFully(registry: Registry, subject: string, insist: boolean) {
  const level = await registry.level(subject)
  if (level === LEVEL) return
  if (!insist && (await registry.held(subject)).length > 0)
    throw new OperatorError(`${subject} has the compatibility level ${level ?? 'none'}, not ${LEVEL}: ${COMMAND} corrects that`)
  await registry.setLevel(subject, LEVEL)
}

async function register(registry: Registry, subject: string, version: number, schema: JsonSchema, insist: boolean) {
  const text = asRegistered(schema)
  const known = await registry.idOf(subject, text)
  if (known !== undefined) return known
  const held = await registry.held(subject)
  const broken = held.flatMap((one) =>
    incompatibilities(one.schema, schema).map(
      ({ field, what }) => `${field} ${what} (compared with version ${one.version} there)`,
    ),
  )
  if (broken.length > 0)
    throw new OperatorError(
      broken.map((difference) => `${subject}: v${version} is not compatible with the registry: ${difference}`).join('\n'),
    )
  try {
    return await registry.register(subject, text, LEVEL)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    if (held.length === 0) throw new OperatorError(`${subject}: the registry refuses v${version}: ${error.message}`)
    if (!insist)
      throw new OperatorError(
        `${subject}: v${version} is compatible by our rule and not by the registry's, which is stricter about optional fields: ${COMMAND} registers it`,
      )
    return await unjudged(registry, subject, text)
  }
}

const COMMAND = '`npx vidwiz schemas register`'

async function unjudged(registry: Registry, subject: string, text: string) {
  await registry.setLevel(subject, 'NONE')
  try {
    return await registry.register(subject, text, 'NONE')
  } finally {
    await registry.setLevel(subject, LEVEL)
  }
}

/** Keywords that mean the same in draft 7 and in 2020-12, as far as zod writes them. */
const SHARED = new Set(
  `$schema $id $ref $comment title description default examples type enum const anyOf oneOf allOf not
  properties required additionalProperties propertyNames items minItems maxItems uniqueItems
  minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf`.split(/\s+/),
)

/**
 * A schema as text for the registry: as draft 7, the newest that all registries can compare.
 * @throws OperatorError naming a keyword that draft 7 does not have, or gives another meaning
 */
export function asRegistered(schema: JsonSchema): string {
  for (const keyword of keywordsOf(schema))
    if (!SHARED.has(keyword)) throw new OperatorError(`${schema.title}: the keyword ${keyword} cannot be registered as draft 7`)
  return JSON.stringify({ ...schema, $schema: 'http://json-schema.org/draft-07/schema#' })
}

function* keywordsOf(schema: unknown): Generator<string> {
  if (typeof schema !== 'object' || schema === null) return
  for (const [keyword, value] of Object.entries(schema)) {
    yield keyword
    if (VALUES.has(keyword)) continue
    if (keyword === 'properties') for (const field of Object.values(value)) yield* keywordsOf(field)
    else if (Array.isArray(value)) for (const part of value) yield* keywordsOf(part)
    else yield* keywordsOf(value)
  }
}

/** The values of these keywords are data, not schemas. */
const VALUES = new Set(['default', 'const', 'enum', 'examples'])
