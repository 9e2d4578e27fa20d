import { z } from 'zod'
import type { EventType } from './stream.ts'

/** A JSON Schema (draft 2020-12) as zod writes it. */
export type JsonSchema = { [keyword: string]: unknown }

/**
 * The JSON Schema of a type's payload as it is written to the log.
 *
 * Zod declares plain objects closed, because its own output has no further fields. Readers of the log ignore unknown fields, so
 * the schema says `additionalProperties: true`. Only a strict object stays closed.
 *
 * @throws Error naming the type when its payload has no JSON Schema (dates, transforms and the like)
 */
export function jsonSchemaOf(type: EventType): JsonSchema {
  try {
    const { $schema, ...schema } = z.toJSONSchema(type.data, { io: 'output', override: openToReaders })
    return { $schema, title: type.type, ...schema }
  } catch (error) {
    throw new Error(`${type.type} has no JSON Schema: ${(error as Error).message}`)
  }
}

const openToReaders: NonNullable<z.core.JSONSchemaGeneratorParams['override']> = ({ zodSchema, jsonSchema }) => {
  const { def } = zodSchema._zod
  if (def.type === 'object' && def.catchall === undefined) jsonSchema.additionalProperties = true
}
