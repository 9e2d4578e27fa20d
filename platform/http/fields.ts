import { z } from 'zod'
import { codePoints, isStorable, strip } from './text.ts'

/**
 * Schemas for fields of requests. Each accepts what Pydantic's lax mode accepts and describes itself as JSON Schema.
 */

/** The error of a custom rule, in Pydantic's form. */
export const rule = (message: string) => ({ error: `Value error, ${message}`, abort: true })

/** Text that Postgres can store. Lengths count code points. */
export function text({ min, max }: { min?: number; max?: number } = {}) {
  const sized = z.string().refine(isStorable, rule('text must not contain NUL or half of a surrogate pair'))
  if (min === undefined && max === undefined) return sized
  return sized
    .check(({ value, issues }) => {
      const length = codePoints(value)
      if (min !== undefined && length < min)
        issues.push({ code: 'too_small', origin: 'string', minimum: min, input: value, continue: false })
      else if (max !== undefined && length > max)
        issues.push({ code: 'too_big', origin: 'string', maximum: max, input: value, continue: false })
    })
    .meta({ ...(min !== undefined && { minLength: min }), ...(max !== undefined && { maxLength: max }) })
}

const TRUE = new Set(['true', 't', 'yes', 'y', 'on', '1'])
const FALSE = new Set(['false', 'f', 'no', 'n', 'off', '0'])

/** A boolean, or a number or word that Pydantic accepts as one. */
export const boolean = () => z.preprocess(toBoolean, z.boolean()).meta({ type: 'boolean' })

function toBoolean(value: unknown): unknown {
  const word = typeof value === 'string' ? value.toLowerCase() : typeof value === 'number' ? String(value) : ''
  return TRUE.has(word) ? true : FALSE.has(word) ? false : value
}

/** A whole number in a path or query: `5`, `+5`, `005`, `1_000`, `5.0`. Values beyond the safe integers become the nearest one. */
export function integer({ min, max }: { min?: number; max?: number } = {}) {
  let number = z.int()
  if (min !== undefined) number = number.min(min)
  if (max !== undefined) number = number.max(max)
  return z.preprocess(toInteger, number)
}

const INTEGER = /^[+-]?\d+(_\d+)*(\.0+)?$/

function toInteger(value: unknown): unknown {
  const digits = typeof value === 'string' ? strip(value) : ''
  if (!INTEGER.test(digits)) return value
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(digits.replaceAll('_', ''))))
}
