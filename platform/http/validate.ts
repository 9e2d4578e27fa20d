import type { z } from 'zod'
import { type HttpError, invalid, type Problem } from './errors.ts'
import { type Location, problemsOf } from './problems.ts'

interface Schemas {
  params?: z.ZodType | undefined
  query?: z.ZodType | undefined
  body?: z.ZodType | undefined
}

interface Raw {
  params: unknown
  query: unknown
  body: unknown
}

interface Checked {
  /** The valid parts. */
  input: { params: unknown; query: unknown; body: unknown }
  /** 422 with all problems of path, query and body, in this order. */
  error?: HttpError
  isOnlyBodyInvalid: boolean
}

/** Validates all parts of a request at once. */
export function validate(schemas: Schemas, raw: Raw): Checked {
  return together(schemas, raw, check('body', schemas.body, raw.body))
}

/** The same for a body that may be long: lets other requests run meanwhile. */
export async function validateLong(schemas: Schemas & { body: z.ZodType }, raw: Raw): Promise<Checked> {
  return together(schemas, raw, outcome('body', await schemas.body.safeParseAsync(raw.body, REPORTING)))
}

function together({ params, query }: Schemas, raw: Raw, body: Part): Checked {
  const parts = { params: check('path', params, raw.params), query: check('query', query, raw.query), body }
  const problems = Object.values(parts).flatMap((part) => part.problems)
  return {
    input: { params: parts.params.value, query: parts.query.value, body: body.value },
    error: problems.length > 0 ? invalid(problems) : undefined,
    isOnlyBodyInvalid: problems.length === body.problems.length,
  }
}

interface Part {
  value: unknown
  problems: readonly Problem[]
}

const NONE: readonly Problem[] = []
const UNDECLARED: Part = { value: undefined, problems: NONE }
const REPORTING = { reportInput: true }

const check = (location: Location, schema: z.ZodType | undefined, raw: unknown): Part =>
  schema ? outcome(location, schema.safeParse(raw, REPORTING)) : UNDECLARED

const outcome = (location: Location, parsed: z.ZodSafeParseResult<unknown>): Part =>
  parsed.success
    ? { value: parsed.data, problems: NONE }
    : { value: undefined, problems: problemsOf(location, parsed.error.issues) }
