import { z } from 'zod'
import type { Route } from './route.ts'

export type Json = { [key: string]: unknown }

// biome-ignore lint/suspicious/noExplicitAny: routes of any application
type AnyRoute = Route<any, any>

/** Facts about a route that its declaration does not contain. */
export interface Also {
  /** Security requirements, one of which must be met. */
  security?: Json[]
  /** Request headers, as OpenAPI parameters. */
  parameters?: Json[]
  /** Headers of its answers by name, as OpenAPI header objects. */
  headers?: Json
  /** Error answers by status. */
  refusals: Record<number, Refusal>
}

export interface Refusal {
  description: string
  schema: z.ZodType
  example?: unknown
}

export interface About {
  info: Json
  /** Sections in order, with a line about each. */
  sections: Record<string, { routes: readonly AnyRoute[]; description: string }>
  securitySchemes: Json
  /** Example values by field name, used wherever a field of that name appears. */
  examples: Json
  also(route: AnyRoute): Also
}

/** Describes routes as an OpenAPI 3.1 document, from their validating schemas. A schema with an `id` in its meta is shared. */
export function openApiOf({ info, sections, securitySchemes, examples, also }: About): Json {
  const shared: Json = {}
  const schemaOf = schemasInto(shared, examples)
  const paths: Record<string, Json> = {}
  for (const [tag, { routes }] of Object.entries(sections))
    for (const route of routes) {
      const path = route.path.replace(/:(\w+)/g, '{$1}')
      paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(tag, route, also(route), schemaOf) }
    }
  return {
    openapi: '3.1.0',
    info,
    tags: Object.entries(sections).map(([name, { description }]) => ({ name, description })),
    paths,
    components: { schemas: shared, securitySchemes },
  }
}

type SchemaOf = (schema: z.ZodType, io: 'input' | 'output') => Json

function operation(tag: string, { method, path, spec }: AnyRoute, also: Also, schemaOf: SchemaOf): Json {
  const inPath = spec.params ? parametersOf('path', schemaOf(spec.params, 'input')) : []
  const inQuery = spec.query ? parametersOf('query', schemaOf(spec.query, 'input')) : []
  const parameters = [...inPath, ...inQuery, ...(also.parameters ?? [])]
  return {
    operationId: operationId(method, path),
    tags: [tag],
    summary: spec.summary,
    ...(also.security && { security: also.security }),
    ...(parameters.length > 0 && { parameters }),
    ...(spec.body && {
      requestBody: {
        required: !spec.body.safeParse(undefined).success,
        content: { 'application/json': { schema: schemaOf(spec.body, 'input') } },
      },
    }),
    responses: { ...answersOf(spec.answers, also.headers, schemaOf), ...refusalsOf(also.refusals, schemaOf) },
  }
}

/** For example `getVideosByVideoIdNotes`. Derived from method and path, so it changes only with them. */
const operationId = (method: string, path: string) =>
  method.toLowerCase() +
  path
    .replace(/^\/v\d+/, '')
    .replaceAll('/:', '/by_')
    .replace(/(?:^|[/_.-]+)(\w)/g, (_, letter: string) => letter.toUpperCase())

const parametersOf = (where: 'path' | 'query', { properties, required = [] }: Json) =>
  Object.entries(properties as Record<string, Json>).map(([name, { description, ...schema }]) => ({
    name,
    in: where,
    required: where === 'path' || (required as string[]).includes(name),
    ...(description !== undefined && { description }),
    schema,
  }))

const answersOf = (answers: Record<number, z.ZodType>, headers: Json | undefined, schemaOf: SchemaOf) =>
  mapStatuses(answers, (answer, status) => ({
    description: answer.meta()?.description ?? PHRASES[status] ?? 'Done',
    ...(headers && { headers }),
    ...contentOf(answer, status, schemaOf),
  }))

const refusalsOf = (refusals: Record<number, Refusal>, schemaOf: SchemaOf) =>
  mapStatuses(refusals, ({ description, schema, example }, status) => ({
    description,
    ...contentOf(schema, status, schemaOf, example),
  }))

const mapStatuses = <T>(of: Record<number, T>, map: (value: T, status: number) => Json) =>
  Object.fromEntries(Object.entries(of).map(([status, value]) => [status, map(value, Number(status))]))

const PHRASES: Record<number, string> = { 200: 'Done', 201: 'Made', 202: 'Not yet', 503: 'Unavailable' }

function contentOf(schema: z.ZodType, status: number, schemaOf: SchemaOf, example?: unknown): Json {
  if (status === 204 || status === 304) return {}
  const { contentType = 'application/json' } = (schema.meta() ?? {}) as { contentType?: string }
  const type = contentType.replace(/;.*/, '')
  return { content: { [type]: { schema: schemaOf(schema, 'output'), ...(example !== undefined && { example }) } } }
}

/** Converts zod schemas to JSON Schemas and collects their shared definitions, which zod adds to each schema, in `shared`. */
function schemasInto(shared: Json, examples: Json): SchemaOf {
  return (schema, io) => {
    const { $schema: _, $defs = {}, ...own } = z.toJSONSchema(schema, { io, unrepresentable: 'any', override: tidy }) as Json
    for (const [id, definition] of Object.entries($defs as Record<string, Json>)) {
      const placed = place(definition, examples)
      if (id in shared && JSON.stringify(shared[id]) !== JSON.stringify(placed)) throw new Error(`two schemas are called ${id}`)
      shared[id] = placed
    }
    return place(own, examples)
  }
}

/** Adapts a schema to the document: points references to the shared schemas and adds examples to fields. */
function place<T>(value: T, examples: Json): T {
  if (Array.isArray(value)) return value.map((item) => place(item, examples)) as T
  if (typeof value !== 'object' || value === null) return value
  const placed = Object.entries(value).map(([key, inner]) => {
    if (key === '$ref') return [key, inner.replace('#/$defs/', '#/components/schemas/')]
    return [key, key === 'properties' ? exemplified(place(inner, examples), examples) : place(inner, examples)]
  })
  return Object.fromEntries(placed)
}

const exemplified = (fields: Record<string, Json>, examples: Json) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, field]) =>
      name in examples && !('$ref' in field) ? [name, { ...field, examples: [examples[name]] }] : [name, field],
    ),
  )

/** Removes zod's details that no reader of an API needs. */
const tidy: NonNullable<z.core.ToJSONSchemaParams['override']> = ({ zodSchema, jsonSchema }) => {
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
  delete jsonSchema.contentType
  delete jsonSchema.propertyNames
  const { def } = zodSchema._zod
  // Answers may gain fields, so only schemas declared strict forbid additional ones.
  if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties
  if (def.type === 'default') jsonSchema.default = def.defaultValue as never
}
