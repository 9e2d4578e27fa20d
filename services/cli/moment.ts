import { InvalidArgumentError } from 'commander'

/** Parses a moment in a command's argument; milliseconds since the epoch. */
export function moment(text: string): number {
  const at = Date.parse(text)
  if (/^\d{4}-\d\d-\d\d/.test(text) && Number.isFinite(at)) return at
  throw new InvalidArgumentError('It takes a moment such as 2026-11-28T05:00Z.')
}
