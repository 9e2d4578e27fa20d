import type { Positions, Reader } from '#platform/log/port.ts'
import type { Row } from '#projections/engine/fold.ts'
import { replay } from '#projections/engine/replay.ts'
import type { View } from '#projections/engine/view.ts'

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
    take: async (portions: Iterable<Iterable<Row>>) => {
      passes.push([...portions].flatMap((rows) => [...rows]))
    },
  }
  const [ended] = await replay(reader, [one], budgetBytes === undefined ? {} : { budgetBytes })
  if (ended) throw ended.error
  return passes
}
