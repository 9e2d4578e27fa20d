import { InvalidArgumentError } from 'commander'

/** Parses a whole number from 0 in a command's argument. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It takes a whole number.')
  return Number(text)
}
