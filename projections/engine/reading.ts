import type { Reader } from '#platform/log/port.ts'
import type { Db } from '#platform/pg/pool.ts'
import { fullSpeed, openPacer, type Pacer } from './pacer.ts'
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
  /** Share of the time that the replays work, above 0 and up to 1. */
  pace(): number
  /** As of a pacer. */
  pauses: Pacer['pauses']
}

/** What a reading needs. */
export interface ReadingOptions {
  db: Db
  reader: Reader
  /** Never pauses, also while people are served. */
  fullSpeed?: boolean | undefined
}

/** @param expected how many replays will join or leave */
export function shareReading({ db, reader, fullSpeed: isFullSpeed }: ReadingOptions, expected: number): Reading {
  const joined: { one: Replay; done: PromiseWithResolvers<void> }[] = []
  let left = 0
  let pacer = fullSpeed

  async function begin() {
    if (joined.length === 0 || joined.length + left < expected) return
    try {
      if (!isFullSpeed) pacer = await openPacer(db)
      const ended = await replay(
        paced(reader, pacer),
        joined.map(({ one }) => one),
      )
      for (const [i, { done }] of joined.entries()) ended[i] ? done.reject(ended[i].error) : done.resolve()
    } catch (error) {
      for (const { done } of joined) done.reject(error)
    } finally {
      pacer.stop()
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
    pace: () => pacer.pace(),
    pauses: () => pacer.pauses(),
  }
}

/** A reading for one replay alone. */
export const ownReading = (ground: ReadingOptions): Reading => shareReading(ground, 1)

/** The reader with a pause after each batch of a history. */
const paced = (reader: Reader, pacer: Pacer): Reader => ({
  ...reader,
  history(query, take) {
    const pause = pacer.pauses()
    return reader.history(query, async (events) => {
      await take(events)
      await pause()
    })
  },
})
