/**
 * An array as Postgres reads it in text form, written several times faster than element by element: JSON of strings, numbers
 * and nulls is nearly that. What JSON escapes in ways of its own is left to the driver.
 *
 * @returns a value for a parameter of type text[], uuid[], int[] or bigint[]
 */
export function arrayParameter(values: readonly (string | number | null)[]): unknown {
  const json = JSON.stringify(values)
  return ESCAPED_OTHERWISE.test(json) ? values : `{${json.slice(1, -1)}}`
}

/** Quotes and backslashes are escaped alike. */
const ESCAPED_OTHERWISE = /\\[^"\\]/
