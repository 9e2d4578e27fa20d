/**
 * Serializes an array in the text form of Postgres, several times faster than element by element: JSON of strings, numbers and
 * nulls has almost that form. Arrays with escapes that only JSON has are left to the driver.
 *
 * @returns a value for a parameter of type text[], uuid[], int[] or bigint[]
 */
export function arrayParameter(values: readonly (string | number | null)[]): unknown {
  const json = JSON.stringify(values)
  return ESCAPED_OTHERWISE.test(json) ? values : `{${json.slice(1, -1)}}`
}

/** Matches escapes that only JSON has; both forms escape quotes and backslashes alike. */
const ESCAPED_OTHERWISE = /\\[^"\\]/
