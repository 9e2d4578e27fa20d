import { z } from 'zod'
import type { Refusal } from '#platform/http/openapi.ts'
import { codeOf } from '../errors.ts'
import { isLimited } from '../limits.ts'
import { type AnyRoute, isWrite } from './kinds.ts'

const Failure = z
  .object({
    error: z.object({ code: z.string(), message: z.string().meta({ description: 'For people' }), details: z.unknown() }),
  })
  .meta({ id: 'Error' })

const Problem = z.object({
  field: z.string().meta({ examples: ['body.timestamp'] }),
  message: z.string().meta({ examples: ['Field required'] }),
  type: z.string().meta({ examples: ['missing'] }),
})

const Invalid = z
  .object({
    error: z.object({ code: z.literal('VALIDATION_ERROR'), message: z.string(), details: z.array(Problem).nullable() }),
  })
  .meta({ id: 'ValidationError', description: 'All that is wrong with a request: path, query, then body' })

const Unreadable = z.object({ detail: z.string() }).meta({ id: 'Unreadable', description: 'Of the HTTP layer itself' })

/** All error answers of a route: those that follow from its declaration, and those that it lists. */
export function refusalsOf(route: AnyRoute, ofGuard: Record<number, string>): Record<number, Refusal> {
  const { method, spec } = route
  const writes = isWrite(route)
  const takesInput = spec.params || spec.query || spec.body || writes
  const said = {
    ...ofGuard,
    ...((spec.precheck || spec.body || spec.reads || writes) && { 400: 'Not as it should be; the message says what' }),
    ...(spec.givesETag && method === 'GET' && { 304: 'As it was when you read it' }),
    ...(spec.takesIfMatch && { 412: 'It has changed since you read it' }),
    ...(spec.body && { 413: 'The body is too large', 415: 'The body is compressed' }),
    ...(takesInput && {
      422: writes ? 'Not well-formed, or its Idempotency-Key was used with another request' : 'Not well-formed',
    }),
    ...(isLimited(route.path) && { 429: 'Asked too often; `Retry-After` says when to come again' }),
    ...spec.refuses,
    500: 'Something unforeseen; the log has it under the X-Request-ID',
  } as Record<number, string>
  return Object.fromEntries(
    Object.entries(said).map(([status, description]) => [status, refusal(Number(status), description, route)]),
  )
}

function refusal(status: number, description: string, { spec }: AnyRoute): Refusal {
  if (status === 422) return { description, schema: Invalid }
  const code = codeOf(status)
  const details = status === 429 ? { reset_in_seconds: 30 } : null
  const schema = status === 400 && spec.body ? z.union([Failure, Unreadable]) : Failure
  return { description, schema, example: code && { error: { code, message: description, details } } }
}
