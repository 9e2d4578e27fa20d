import type { Reader } from '#platform/log/port.ts'
import { replay } from './replay.ts'
import type { Replay } from './replay-fold.ts'
import type { View } from './view.ts'

/** One reading of a topic's history that several replays share. */
export interface Reading {
  /**
   * Takes part in the reading, which begins once all replays have joined or left.
   * @returns when the replay is complete
   * @throws the error that ended it
   */
  join(replay: Replay): Promise<void>
  /** Tells that a view's replay will not join, if it has not joined. */
  leave(view: View): void
}

/** @param expected how many replays will join or leave */
export function shareReading(reader: Reader, expected: number): Reading {
  const joined: { one: Replay; done: PromiseWithResolvers<void> }[] = []
  let left = 0

  async function begin() {
    if (joined.length === 0 || joined.length + left < expected) return
    try {
      const ended = await replay(
        reader,
        joined.map(({ one }) => one),
      )
      for (const [i, { done }] of joined.entries()) ended[i] ? done.reject(ended[i].error) : done.resolve()
    } catch (error) {
      for (const { done } of joined) done.reject(error)
    }
  }

  return {
    join(one) {
      const done = Promise.withResolvers<void>()
      joined.push({ one, done })
      begin()
      return done.promise
    },
    leave(view) {
      if (joined.some(({ one }) => one.view === view)) return
      left++
      begin()
    },
  }
}

/** A reading for one replay alone. */
export const ownReading = (reader: Reader): Reading => shareReading(reader, 1)
