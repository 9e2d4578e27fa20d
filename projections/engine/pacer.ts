import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { Reader, TakeHistory } from '#platform/log/port.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { LEAST_PACE, nextPace } from './pace.ts'
import { openSurroundings } from './surroundings.ts'

/** Makes a replay pause between its steps, so that those who serve people find processors free. */
export interface Pacer {
  /** Share of the time that the replay works, above 0 and up to 1. */
  pace(): number
  /**
   * For one of the replay's activities: returns a function to call after each step. What it returns, if anything, is to be awaited
   * before the next step: a sleep as long as the time since the last pause demands.
   */
  pauses(): () => Promise<void> | undefined
  /** From here on the pace is 1. */
  stop(): void
}

const LOOK_MS = 250
/** A timer is not more precise. */
const SHORTEST_MS = 1

/** The reader with a pause after each batch of a history. */
export function paced(reader: Reader, pacer: Pacer): Reader {
  const pausing = (take: TakeHistory): TakeHistory => {
    const pause = pacer.pauses()
    return async (events) => {
      await take(events)
      await pause()
    }
  }
  return {
    ...reader,
    history: (query, take) => reader.history(query, pausing(take)),
    ...(reader.historyByStream && { historyByStream: (query, take) => reader.historyByStream!(query, pausing(take)) }),
  }
}

/** Longer steps have waited for something else, so no pause is owed for all of it; and a cancel is noticed after a pause. */
const LONGEST_MS = 500
/** Without a look for so long the pace is 1: what it was set for may be over. */
const BLIND_MS = 10_000

/** Without pauses. */
export const fullSpeed: Pacer = { pace: () => 1, pauses: () => () => undefined, stop: () => {} }

/**
 * Opens a pacer that looks around four times a second, for the first time before it is returned. Whenever it finds that people are
 * served it begins at the lowest pace. While the database does not tell, the pace stays as it is, for some seconds.
 */
export async function openPacer(db: Queryable): Promise<Pacer> {
  const look = openSurroundings(db)
  let pace = 1
  let wasServing = false
  let stopped = false
  let lookedAt = performance.now()
  let sawAt = lookedAt
  let timer: NodeJS.Timeout | undefined

  async function adjust() {
    try {
      const now = await look()
      if (stopped) return
      pace = now.isServing && !wasServing ? LEAST_PACE : nextPace(pace, now)
      wasServing = now.isServing
      sawAt = performance.now()
    } catch {
      // The next look may succeed.
      if (performance.now() - sawAt > BLIND_MS) pace = 1
    }
    lookedAt = performance.now()
    if (!stopped) timer = setTimeout(adjust, LOOK_MS)
  }
  await adjust()

  return {
    pace: () => pace,
    pauses() {
      let since = performance.now()
      let owedMs = 0
      const pause = async () => {
        await sleep(owedMs)
        const now = performance.now()
        owedMs -= now - since
        since = now
      }
      return () => {
        const now = performance.now()
        owedMs = pace < 1 ? Math.min(LONGEST_MS, owedMs + (now - since) * (1 / pace - 1)) : 0
        since = now
        if (owedMs >= SHORTEST_MS) return pause()
        // A history that arrives as fast as it is folded would keep the look's timer and its answer waiting.
        return now - lookedAt > 2 * LOOK_MS ? turn() : undefined
      }
    },
    stop() {
      stopped = true
      pace = 1
      clearTimeout(timer)
    },
  }
}
