import type { Rejection } from './command.ts'

/** Days are UTC days. Times are in milliseconds since the epoch. */

export const DAY_MS = 86_400_000

export const midnightAfter = (time: number): number => (Math.floor(time / DAY_MS) + 1) * DAY_MS

/** The day of a time, in the form `2026-11-28`. */
export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

/** Rejection for a day's limit that is used up; says in how many seconds the next day begins. */
export const dayIsUsedUp = (message: string, now: number): Rejection => ({
  code: 'RATE_LIMIT_EXCEEDED',
  message,
  details: { reset_in_seconds: Math.ceil((midnightAfter(now) - now) / 1000) },
})
