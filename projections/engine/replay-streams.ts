import type { Reader } from '#platform/log/port.ts'
import { type Ended, Enough, historyOf, type Replay } from './fold-history.ts'
import { type Pacer, paced } from './pacer.ts'
import { openStreamFold } from './stream-fold.ts'

/**
 * Folds the history of one topic stream after stream, for views whose rows have all their events in one stream. A row is finished, and
 * on its way into the table, where its stream ends: no row waits in memory for the end of the reading, and everything is read once.
 *
 * @returns as `replay`; undefined when the log does not read by stream, and then nothing was folded
 * @throws every error of the reader: then no replay is complete
 */
export async function replayByStream(reader: Reader, replays: readonly Replay[], pacer: Pacer): Promise<Ended[] | undefined> {
  const folds = replays.map(openStreamFold)
  try {
    const isRead = await paced(reader, pacer).historyByStream?.({ ...historyOf(replays), after: new Map() }, async (events) => {
      for (const fold of folds) await fold.apply(events)
      if (folds.every((fold) => fold.ended())) throw new Enough()
    })
    if (!isRead) return undefined
  } catch (error) {
    if (!(error instanceof Enough)) {
      await Promise.all(folds.map((fold) => fold.abort(error)))
      throw error
    }
  }
  await Promise.all(folds.map((fold) => fold.finish()))
  return folds.map((fold) => fold.ended())
}
