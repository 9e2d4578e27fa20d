import type { Load } from './lines.ts'
import { loadAll, type Source } from './loads.ts'
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
}

/** @param expected how many loads will join or leave */
export function shareReading(source: Source, expected: number): Reading {
  const joined: { load: Load; done: PromiseWithResolvers<void> }[] = []
  let left = 0

  async function begin() {
    if (joined.length === 0 || joined.length + left < expected) return
    try {
      const ended = await loadAll(
        source,
        joined.map(({ load }) => load),
      )
      for (const [i, { done }] of joined.entries()) ended[i] ? done.reject(ended[i].error) : done.resolve()
    } catch (error) {
      for (const { done } of joined) done.reject(error)
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
  }
}

/** A reading for one load alone. */
export const ownReading = (source: Source): Reading => shareReading(source, 1)
