import type { Positions, Reader } from '#platform/log/port.ts'
import type { Row } from '#projections/engine/fold.ts'
import { replay } from '#projections/engine/replay.ts'
import type { View } from '#projections/engine/view.ts'

/** The reader of a log that has no order of streams. */
export const byPosition = ({ historyByStream, ...reader }: Reader): Reader => reader

/** The reader, which begins to read a history, in whatever order, when the promise of `begin` resolves. */
export const readingAfter = (reader: Reader, begin: () => Promise<unknown>): Reader => ({
  ...reader,
  async history(...asked) {
    await begin()
    await reader.history(...asked)
  },
  async historyByStream(...asked) {
    await begin()
    return (await reader.historyByStream?.(...asked)) ?? false
  },
})

/** The rows of a view that a replay makes, by pass. @throws the error that ended it */
export async function replayed(
  reader: Reader,
  view: View,
  { upTo, budgetBytes }: { upTo?: Positions; budgetBytes?: number } = {},
): Promise<Row[][]> {
  const passes: Row[][] = []
  const one = {
    view,
    upTo: upTo ?? (await reader.heads(view.topic)),
    take: async (portions: AsyncIterable<readonly Row[]>) => {
      const taken: Row[] = []
      for await (const rows of portions) taken.push(...rows)
      passes.push(taken)
    },
  }
  const [ended] = await replay(reader, [one], budgetBytes === undefined ? {} : { budgetBytes })
  if (ended) throw ended.error
  return passes
}
