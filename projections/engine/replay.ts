import type { Reader } from '#platform/log/port.ts'
import type { Ended, Replay } from './fold-history.ts'
import { fullSpeed, type Pacer } from './pacer.ts'
import { replayInPasses } from './replay-passes.ts'
import { replayByStream } from './replay-streams.ts'

const BUDGET_BYTES = 96 * 2 ** 20

/**
 * Folds the history of one topic into the rows of views, from the first event on, and reads it once for all of them. A view that
 * fails does not end the others. Memory is bounded, however long the log is, if the rows of each
 * stream fit into it. Ask the reader for gaps before.
 *
 * @param budgetBytes memory for rows, roughly
 * @param pacer makes it pause while it reads and writes
 * @returns for each replay, in order, the error that ended it, if one did
 * @throws every error of the reader: then no replay is complete
 */
export async function replay(
  reader: Reader,
  replays: readonly Replay[],
  { budgetBytes = BUDGET_BYTES, pacer = fullSpeed }: { budgetBytes?: number; pacer?: Pacer } = {},
): Promise<Ended[]> {
  const ended = replays.every(({ view }) => view.perStream) && (await replayByStream(reader, replays, pacer))
  return ended || replayInPasses(reader, replays, { budgetBytes, pacer })
}
