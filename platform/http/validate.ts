import type { z } from 'zod'
import { type HttpError, invalid, type Problem } from './errors.ts'
import { type Location, problemsOf } from './problems.ts'

interface Schemas {
  params?: z.ZodType | undefined
  query?: z.ZodType | undefined
  body?: z.ZodType | undefined
}

interface Checked {
  /** What is well-formed of it. */
  input: { params: unknown; query: unknown; body: unknown }
  /** 422 with all problems of path, query and body, in this order. */
  error?: HttpError
  isOnlyBodyInvalid: boolean
}

/** Checks all parts of a request at once. */
export function validate(schemas: Schemas, raw: { params: unknown; query: unknown; body: unknown }): Checked {
  const params = check('path', schemas.params, raw.params)
  const query = check('query', schemas.query, raw.query)
  const body = check('body', schemas.body, raw.body)
  const problems = [...params.problems, ...query.problems, ...body.problems]
  return {
    input: { params: params.value, query: query.value, body: body.value },
    error: problems.length > 0 ? invalid(problems) : undefined,
    isOnlyBodyInvalid: problems.length === body.problems.length,
  }
}

const NONE: readonly Problem[] = []
const UNDECLARED = { value: undefined, problems: NONE }

function check(
  location: Location,
  schema: z.ZodType | undefined,
  raw: unknown,
): { value: unknown; problems: readonly Problem[] } {
  if (!schema) return UNDECLARED
  const parsed = schema.safeParse(raw, { reportInput: true })
  return parsed.success
    ? { value: parsed.data, problems: NONE }
    : { value: undefined, problems: problemsOf(location, parsed.error.issues) }
}
