import type { Json } from '#platform/http/openapi.ts'
import { code, markdownTable } from '#platform/text/markdown.ts'
import { sections } from '../routes/index.ts'
import { openApi } from './document.ts'
import type { AnyRoute } from './kinds.ts'
import { GUARDS } from './security.ts'

interface Schema {
  $ref?: string
  type?: string
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
}

interface Operation {
  parameters?: { name: string; in: 'path' | 'query' | 'header'; required?: boolean }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { headers?: Json; content?: Record<string, { schema: Schema }> }>
}

interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

const MIB = 1024 * 1024

/** A table for each section of the API: what each route takes, who may use it, what it answers. From `/openapi.json`'s document. */
export function routeTables(): string {
  const { paths } = openApi() as unknown as Document
  const operationOf = ({ method, path }: AnyRoute) => paths[path.replace(/:(\w+)/g, '{$1}')]![method.toLowerCase()]!
  const row = (route: AnyRoute) => {
    const operation = operationOf(route)
    return [
      code(`${route.method} ${route.path}`),
      route.spec.summary ?? '',
      whoMay(route),
      taken(operation, route.spec.bodyLimitBytes),
      answered(operation),
      headers(operation),
    ]
  }
  return Object.entries(sections)
    .map(
      ([name, routes]) =>
        `### ${name}\n\n${markdownTable(['route', 'does', 'who', 'takes', 'answers', 'headers'], routes.map(row))}`,
    )
    .join('\n\n')
}

/** The named answers, with their fields. */
export function shapeTable(): string {
  const { schemas } = (openApi() as unknown as Document).components
  return markdownTable(
    ['name', 'fields'],
    Object.entries(schemas).map(([name, schema]) => [name, outputOf(schema)]),
  )
}

const LETTERS: Record<string, string> = { userToken: 'U', longTermToken: 'L', guestSession: 'V', adminToken: 'A' }

/** V alone stands for users and guests, as the legend of docs/routes.md says. */
function whoMay({ spec }: AnyRoute): string {
  const letters = (GUARDS.get(spec.auth)?.security ?? []).flatMap((one) => Object.keys(one)).map((scheme) => LETTERS[scheme]!)
  return letters.join('').replace('UV', 'V') || '–'
}

function taken({ parameters = [], requestBody }: Operation, limitBytes?: number): string {
  const query = parameters.filter((one) => one.in === 'query').map(({ name, required }) => code(required ? name : `${name}?`))
  const body = Object.values(requestBody?.content ?? {}).map(({ schema }) => inputOf(schema))
  return [
    ...(query.length > 0 ? [`query: ${query.join(', ')}`] : []),
    ...body.map((fields) => `body: ${fields}${limitBytes ? ` (${sizeOf(limitBytes)})` : ''}`),
  ].join('; ')
}

const sizeOf = (bytes: number) => (bytes < MIB ? `${bytes / 1024} KiB` : `${bytes / MIB} MiB`)

const answered = ({ responses }: Operation) =>
  Object.entries(responses)
    .filter(([status]) => status < '300')
    .map(([status, { content = {} }]) => {
      const body = Object.entries(content).map(([type, { schema }]) =>
        type === 'application/json' ? nameOf(schema) : code(type),
      )
      return [status, ...body].join(' ')
    })
    .join(' or ')

function nameOf(schema: Schema): string {
  if (schema.$ref) return schema.$ref.split('/').at(-1)!
  return schema.items ? `list of ${nameOf(schema.items)}` : outputOf(schema)
}

/** Headers beyond those that every route has. */
function headers({ parameters = [], responses }: Operation): string {
  const taken = parameters.filter((one) => one.in === 'header').map(({ name }) => code(name))
  const givesETag = Object.values(responses).some((response) => response.headers && 'ETag' in response.headers)
  return [...(taken.length > 0 ? [`takes ${taken.join(', ')}`] : []), ...(givesETag ? ['gives `ETag`'] : [])].join('; ')
}

/** Fields of a body; `?` marks those that may be left out. */
const inputOf = ({ properties = {}, required = [] }: Schema): string =>
  Object.keys(properties)
    .map((name) => code(required.includes(name) ? name : `${name}?`))
    .join(', ')

/** Fields of an answer, including those of nested objects. */
const outputOf = ({ properties = {} }: Schema): string =>
  Object.entries(properties)
    .map(([name, field]) => (field.properties ? `${code(name)} (${outputOf(field)})` : code(name)))
    .join(', ')
