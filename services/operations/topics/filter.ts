import type { Recorded } from '#events/kit/envelope.ts'

/** A condition on a field of a payload. */
export interface Where {
  /** Names from the payload inwards: `study.language` is `['study', 'language']`. */
  path: readonly string[]
  value: string
}

/** Conditions on events, all of which must hold; without any, all events match. */
export interface Filter {
  stream?: string | undefined
  key?: string | undefined
  /** Any of these. */
  types?: readonly string[] | undefined
  where?: readonly Where[] | undefined
}

const WHERE = /^([A-Za-z_]\w*(?:\.\w+)*)=(.*)$/s

/**
 * Parses `videoId=abc` or `study.language=en`: the path of a field, and its value. The value is everything after the first `=`,
 * unchanged.
 * @returns undefined for anything else
 */
export function whereOf(text: string): Where | undefined {
  const [, path, value] = WHERE.exec(text) ?? []
  return path === undefined || value === undefined ? undefined : { path: path.split('.'), value }
}

export const textOf = ({ path, value }: Where): string => `${path.join('.')}=${value}`

/** Whether an event matches a filter. A payload that is not JSON has no fields. */
export function matches(event: Recorded, { stream, key, types, where = [] }: Filter): boolean {
  if (stream !== undefined && event.stream !== stream) return false
  if (key !== undefined && event.key !== key) return false
  if (types !== undefined && types.length > 0 && !types.includes(event.type)) return false
  return where.length === 0 || hasAll(parsed(event.data), where)
}

/** Whether a payload has all these fields with these values. */
export const hasAll = (data: unknown, where: readonly Where[]): boolean =>
  where.every(({ path, value }) => isSame(valueAt(data, path), value))

/** Own properties only: `constructor` is not a field. */
function valueAt(data: unknown, path: readonly string[]): unknown {
  let at = data
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = (at as Record<string, unknown>)[name]
  }
  return at
}

/** Compares numbers, true, false and null by their text; lists and objects equal nothing. */
const isSame = (found: unknown, value: string): boolean =>
  found !== undefined && (typeof found !== 'object' || found === null) && String(found) === value

function parsed(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}
