/** Whether all numbers in a parsed JSON value are such that JSON can say them. Its depth has been bounded. */
export const finite = (value: unknown): boolean =>
  typeof value === 'number'
    ? Number.isFinite(value)
    : typeof value !== 'object' || value === null || Object.values(value).every(finite)
