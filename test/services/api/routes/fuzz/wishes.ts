import { z } from 'zod'
import { isEventStream } from '#platform/http/stream.ts'
import { admin, viewer } from '#services/api/auth/guards.ts'
import { routes } from '#services/api/routes/index.ts'
import type { Keys } from './keys.ts'

/** What a route wants, so far as its own description tells: a new route is attacked without anybody's doing. */
export interface Wish {
  method: string
  path: string
  auth: 'user' | 'admin' | 'viewer' | 'nobody'
  params: Schemas
  query: Schemas
  fields: Schemas
  /** It may let a client wait for long before it answers. */
  waits: boolean
}

type Schemas = Record<string, Schema>
export interface Schema {
  type?: string | string[]
  enum?: unknown[]
  anyOf?: Schema[]
}

export const propertiesOf = (schema: z.ZodType | undefined): Schemas =>
  schema ? (z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }).properties as Schemas) : {}

export const wishes: Wish[] = routes.map(({ method, path, spec }) => ({
  method,
  path,
  auth: spec.auth === undefined ? 'nobody' : spec.auth === admin ? 'admin' : spec.auth === viewer ? 'viewer' : 'user',
  params: propertiesOf(spec.params),
  query: propertiesOf(spec.query),
  fields: propertiesOf(spec.body),
  waits: 204 in spec.answers || isEventStream(spec.answers[200]),
}))

/** What a right value depends on. */
export type Things = Pick<Keys, 'video' | 'credential' | 'note' | 'conversation'>

/** What is known by a name, as JSON. */
const known = ({ video, credential, note, conversation }: Things): Record<string, unknown> => ({
  email: 'fuzz@example.com',
  password: 'long enough',
  timestamp: '1:23',
  video_id: video,
  note_id: note,
  conversation_id: conversation,
  credential,
  transcript: [{ text: 't', offset: 1.5 }],
  timeout: 1,
  language: 'en',
})

/** A value that a route takes for a field of that name and type. */
export function rightValue(name: string, schema: Schema, keys: Things): unknown {
  const byName = known(keys)
  if (Object.hasOwn(byName, name)) return byName[name]
  if (schema.enum) return schema.enum[0]
  const type = Array.isArray(schema.type) ? schema.type[0] : (schema.type ?? schema.anyOf?.[0]?.type)
  switch (type) {
    case 'boolean':
      return true
    case 'integer':
    case 'number':
      return 1
    case 'array':
      return []
    case 'object':
      return { a: 1 }
    default:
      return 'text'
  }
}
