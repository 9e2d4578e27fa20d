/** Results for large values, remembered while they are parsed in slices: checking a whole large value would block other requests. */
const known = new WeakMap<object, boolean>()

/** Remembers for a value parsed in slices whether all its numbers are finite. */
export const rememberFinite = (value: object, allFinite: boolean): void => void known.set(value, allFinite)

/** True when JSON can represent all numbers in a parsed value, so none is NaN or infinite. Recursive: callers bound the depth. */
export function finite(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  const remembered = known.get(value)
  if (remembered !== undefined) return remembered
  if (Array.isArray(value)) return value.every(finite)
  // Object.values would create an array for each object, and a body may have a million objects.
  for (const key in value) if (!finite((value as Record<string, unknown>)[key])) return false
  return true
}
