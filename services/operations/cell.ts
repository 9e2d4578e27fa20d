import { within } from '#platform/deadline.ts'
import type { Cell } from './look.ts'

/** One part of a look (the state shown on the first screen): reads it in bounded time, or says why not. Never rejects. */
export type Read<T> = () => Promise<Cell<T>>

/**
 * Bounds a reading. A late reading goes on, and later callers wait for it instead of starting another, so a reading that hangs
 * holds one connection, not one for each look.
 */
export function bounded<T>(read: () => Promise<T>, mostMs: number): Read<T> {
  let reading: Promise<Cell<T>> | undefined
  return () => {
    reading ??= settled(read).finally(() => {
      reading = undefined
    })
    return within(mostMs, reading, () => ({ problem: `it did not answer within ${mostMs / 1_000} s` }))
  }
}

/** Like `bounded`, for slow or costly readings: refreshed in the background, at most every `everyMs`. Only the first look waits. */
export function seldom<T>(read: () => Promise<T>, { everyMs, mostMs }: { everyMs: number; mostMs: number }): Read<T> {
  const look = bounded(read, mostMs)
  let known: { cell: Cell<T>; at: number } | undefined
  let refreshing: Promise<Cell<T>> | undefined
  const refresh = () => {
    refreshing ??= look().then((cell) => {
      known = { cell, at: performance.now() }
      refreshing = undefined
      return cell
    })
    return refreshing
  }
  return async () => {
    if (!known) return refresh()
    if (performance.now() - known.at >= everyMs) void refresh()
    return known.cell
  }
}

async function settled<T>(read: () => Promise<T>): Promise<Cell<T>> {
  try {
    return { value: await read() }
  } catch (error) {
    return { problem: error instanceof Error && error.message ? error.message : String(error) }
  }
}
