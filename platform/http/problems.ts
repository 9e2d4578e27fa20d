import type { z } from 'zod'
import type { Problem } from './errors.ts'

type Issue = z.core.$ZodIssue
export type Location = 'path' | 'query' | 'body'

/** More problems help no client, and a body with a million unknown keys must not cause an answer with a million problems. */
export const MAX_PROBLEMS = 1000

/**
 * Translates zod's issues to Pydantic's messages: the first problem of each field, and at most MAX_PROBLEMS.
 *
 * @param issues from a parse with `reportInput`
 */
export function problemsOf(location: Location, issues: readonly Issue[]): Problem[] {
  const problems = new Map<string, Problem>()
  for (const issue of issues.slice(0, MAX_PROBLEMS).flatMap(spread).slice(0, MAX_PROBLEMS)) {
    const field = [location, ...issue.path.map(String)].join('.')
    if (!problems.has(field)) problems.set(field, { field, ...words(issue) })
  }
  return [...problems.values()]
}

/** Splits an issue about unknown keys into one per key, each with the key's path. */
const spread = (issue: Issue): Issue[] =>
  issue.code === 'unrecognized_keys'
    ? issue.keys.slice(0, MAX_PROBLEMS).map((key) => ({ ...issue, path: [...issue.path, key] }))
    : [issue]

function words(issue: Issue): Omit<Problem, 'field'> {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue)
    case 'unrecognized_keys':
      return { message: 'Extra inputs are not permitted', type: 'extra_forbidden' }
    case 'too_small':
      return issue.origin === 'string'
        ? { message: `String should have at least ${characters(issue.minimum)}`, type: 'string_too_short' }
        : { message: `Input should be greater than or equal to ${issue.minimum}`, type: 'greater_than_equal' }
    case 'too_big':
      return issue.origin === 'string'
        ? { message: `String should have at most ${characters(issue.maximum)}`, type: 'string_too_long' }
        : { message: `Input should be less than or equal to ${issue.maximum}`, type: 'less_than_equal' }
    default:
      return { message: issue.message, type: 'value_error' }
  }
}

const characters = (n: number | bigint) => `${n} character${n === 1 ? '' : 's'}`

function wrongType(issue: Extract<Issue, { code: 'invalid_type' }>): Omit<Problem, 'field'> {
  const { input, path } = issue
  const isRoot = path.length === 0
  if (input === undefined || (isRoot && input === null)) return { message: 'Field required', type: 'missing' }
  if (isRoot)
    return { message: 'Input should be a valid dictionary or object to extract fields from', type: 'model_attributes_type' }
  switch (issue.expected) {
    case 'boolean':
      return typeof input === 'string' || Number.isInteger(input)
        ? { message: 'Input should be a valid boolean, unable to interpret input', type: 'bool_parsing' }
        : { message: 'Input should be a valid boolean', type: 'bool_type' }
    case 'number':
    case 'int':
      return { message: 'Input should be a valid integer, unable to parse string as an integer', type: 'int_parsing' }
    case 'array':
      return { message: 'Input should be a valid list', type: 'list_type' }
    case 'object':
    case 'record':
      return { message: 'Input should be a valid dictionary', type: 'dict_type' }
    default:
      return { message: `Input should be a valid ${issue.expected}`, type: `${issue.expected}_type` }
  }
}
