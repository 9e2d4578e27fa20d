import type { Db } from '#platform/pg/pool.ts'
import type { Load } from './lines.ts'
import { loadAll, type Source } from './loads.ts'
import { fullSpeed, openPacer } from './pacer.ts'
import type { View } from './view.ts'

/** One reading of a topic's history that several loads share. */
export interface Reading {
  /**
   * Takes part in the reading, which begins once all loads have joined or left.
   * @returns when the load is complete
   * @throws the error that ended it
   */
  join(load: Load): Promise<void>
  /** Tells that a view's load will not join, if it has not joined. */
  leave(view: View): void
  /** Share of the time that the replays work, above 0 and up to 1. */
  pace(): number
  /** Whether the replays paused for people when the reading ended. */
  endedPaced(): boolean
}

/** What a reading needs. */
export interface ReadingOptions extends Source {
  db: Db
  /** Never pauses, also while people are served. */
  fullSpeed?: boolean | undefined
}

/** @param expected how many loads will join or leave */
export function shareReading({ db, fullSpeed: isFullSpeed, ...source }: ReadingOptions, expected: number): Reading {
  const joined: { load: Load; done: PromiseWithResolvers<void> }[] = []
  let left = 0
  let pacer = fullSpeed
  let isPaced = false

  async function begin() {
    if (joined.length === 0 || joined.length + left < expected) return
    try {
      if (!isFullSpeed) pacer = await openPacer(db)
      const ended = await loadAll(
        source,
        joined.map(({ load }) => load),
        pacer,
      )
      isPaced = pacer.pace() < 1
      for (const [i, { done }] of joined.entries()) ended[i] ? done.reject(ended[i].error) : done.resolve()
    } catch (error) {
      for (const { done } of joined) done.reject(error)
    } finally {
      pacer.stop()
    }
  }

  return {
    join(load) {
      const done = Promise.withResolvers<void>()
      joined.push({ load, done })
      begin()
      return done.promise
    },
    leave(view) {
      if (joined.some(({ load }) => load.view === view)) return
      left++
      begin()
    },
    pace: () => pacer.pace(),
    endedPaced: () => isPaced,
  }
}

/** A reading for one load alone. */
export const ownReading = (ground: ReadingOptions): Reading => shareReading(ground, 1)
