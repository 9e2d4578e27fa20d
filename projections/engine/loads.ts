import type { Reader } from '#platform/log/port.ts'
import type { Ended } from './fold-history.ts'
import { divide, type Group } from './groups.ts'
import { asReplay, type Load } from './lines.ts'
import { fullSpeed, type Pacer } from './pacer.ts'
import { replay } from './replay.ts'
import { loadInThreads, type Threads } from './threads/threads.ts'

/** What a history is read with. */
export interface Source {
  reader: Reader
  /** Fold in these threads if that is worth it, and with readers of theirs; without them everything is folded in the calling thread. */
  threads?: Threads | undefined
}

/**
 * Loads views from the history of one topic. Threads have pacers of their own, if this one pauses.
 * @returns for each load, in order, the error that ended it, if one did
 * @throws every error of the reader: then no load is complete
 */
export async function loadAll(source: Source, loads: readonly Load[], pacer: Pacer): Promise<Ended[]> {
  const { reader, threads } = source
  // Counts the whole log, so once for all passes and threads.
  await reader.assertNoGaps?.()
  const groups = await groupsOf(source, loads)
  if (threads && groups.length > 1) return loadInThreads(threads, groups, loads, pacer !== fullSpeed)
  return replay(reader, loads.map(asReplay), { pacer })
}

/** The partitions that each thread is to fold; none when threads are not worth it, or do not know a view. */
async function groupsOf({ reader, threads }: Source, loads: readonly Load[]): Promise<Group[]> {
  if (!threads || !loads.every(({ view }) => threads.views.includes(view))) return []
  const { topic } = loads[0]!.view
  const partitions = await reader.behind(topic, new Map())
  const events = partitions.reduce((sum, one) => sum + one.events, 0)
  // A partition that is not counted must be folded all the same.
  const isCounted = (partition: number) => partitions.some((one) => one.partition === partition)
  if (!loads.every(({ upTo }) => [...upTo].every(([partition, last]) => last === 0 || isCounted(partition)))) return []
  return events < threads.worthFrom ? [] : divide(partitions, threads.count)
}
