import { z } from 'zod'
import { breather } from '../breather.ts'
import { MAX_PROBLEMS } from './problems.ts'

/**
 * zod schemas for lists and dictionaries of any size. zod's own check every item and create a problem for each invalid one: possibly
 * millions, of which at most MAX_PROBLEMS are reported.
 */

/** Items checked before an asynchronous parse lets other requests run. */
const AT_ONCE = 1000

interface Bounds {
  min?: number
  max?: number
}

const BoundedArray = z.core.$constructor<z.ZodArray, z.core.$ZodArrayDef & { bounds?: Bounds }>('BoundedArray', (inst, def) => {
  z.ZodArray.init(inst, def)
  const { min = 0, max = Number.POSITIVE_INFINITY } = def.bounds ?? {}
  inst._zod.parse = (payload, ctx) => {
    const { value: input, issues } = payload
    if (!Array.isArray(input)) {
      issues.push({ code: 'invalid_type', expected: 'array', input, inst })
      return payload
    }
    const items: unknown[] = []
    // Returns the input list itself when no item changed, so that what is remembered by its identity stays valid.
    let isSame = true
    let at = 0
    const isMore = () => at < input.length && at <= max && issues.length < MAX_PROBLEMS
    const lookAtSome = () => {
      for (const end = at + AT_ONCE; at < end && isMore(); at++) {
        const item = def.element._zod.run({ value: input[at], issues: [] }, { ...ctx, async: false }) as z.core.ParsePayload
        if (item.issues.length > 0) issues.push(...z.core.util.prefixIssues(at, item.issues))
        isSame &&= item.value === input[at]
        items.push(item.value)
      }
    }
    const looked = () => {
      if (issues.length === 0 && (input.length < min || input.length > max))
        issues.push({ code: 'custom', message: `Value error, there must be ${min} to ${max} of them`, input, inst })
      payload.value = isSame ? input : items
      return payload
    }
    lookAtSome()
    if (ctx.async && isMore()) return inTurns(lookAtSome, isMore).then(looked)
    while (isMore()) lookAtSome()
    return looked()
  }
})

async function inTurns(step: () => void, isMore: () => boolean): Promise<void> {
  const pause = breather()
  while (isMore()) {
    await pause()
    step()
  }
}

/**
 * A list whose items are checked until MAX_PROBLEMS are found; later items, and items beyond the maximum length, are not checked.
 * An asynchronous parse lets other requests run in between. The item schema must be synchronous.
 */
export function list<S extends z.ZodType>(item: S, bounds: Bounds = {}): z.ZodArray<S> {
  const schema = new BoundedArray({ type: 'array', element: item, bounds }) as unknown as z.ZodArray<S>
  const { min, max } = bounds
  return schema.meta({ ...(min !== undefined && { minItems: min }), ...(max !== undefined && { maxItems: max }) })
}

/** A dictionary with any values, returned as it is. zod's own would copy it key by key. */
export const dictionary = () =>
  z
    .custom<Record<string, unknown>>()
    .check(({ value, issues }) => {
      const isDictionary = typeof value === 'object' && value !== null && !Array.isArray(value)
      if (!isDictionary) issues.push({ code: 'invalid_type', expected: 'record', input: value, continue: false } as never)
    })
    .meta({ type: 'object', additionalProperties: {} })
