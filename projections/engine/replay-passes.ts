import type { Replayed } from '#events/kit/envelope.ts'
import { collectGarbage } from '#platform/heap.ts'
import type { HistoryQuery, Positions, Reader } from '#platform/log/port.ts'
import { type Ended, Enough, furthest, historyOf, type Replay } from './fold-history.ts'
import { type Pacer, paced } from './pacer.ts'
import { openPassFold } from './pass-fold.ts'
import { type Pass, planPasses } from './passes.ts'

/** Share of the budget that a pass is to need in the end, if it was narrowed: the estimate may be too low. */
const FULL = 0.8
/** After a pass with so many bytes of rows, collecting them costs little beside the pass. */
const WORTH_COLLECTING = 16 * 2 ** 20

/**
 * Folds the history of one topic, in whatever order the log reads it: a row is finished only when all events are read.
 *
 * Memory is bounded, however long the log is, by the budget for a pass and what is left of the pass before: when the rows exceed it, the
 * pass over the history goes on with fewer partitions, or with a slice of the rows, and further passes fold the others.
 *
 * @param budgetBytes memory for rows, roughly
 * @returns and @throws as `replay`
 */
export async function replayInPasses(
  unpaced: Reader,
  replays: readonly Replay[],
  { budgetBytes, pacer }: { budgetBytes: number; pacer: Pacer },
): Promise<Ended[]> {
  const reader = paced(unpaced, pacer)
  const folds = replays.map((one) => openPassFold(one, pacer))
  const { upTo, ...history } = historyOf(replays)
  const fits = FULL * budgetBytes
  const passes = planPasses([...upTo.keys()], fits / sum(replays, ({ expectedBytes = 0 }) => expectedBytes))

  /** Narrows the pass while its rows exceed the budget. @returns what stays of it */
  const narrowed = (pass: Pass): Pass => {
    if (sum(folds, (fold) => fold.bytes()) <= budgetBytes) return pass
    for (let rest = pass; ; ) {
      const bytes = sum(folds, (fold) => fold.measure())
      const rows = sum(folds, (fold) => fold.size())
      if (bytes <= fits || rows <= 1) return rest
      const inTheEnd = bytes / Math.max(...folds.map((fold) => fold.progress()))
      rest = passes.narrow(Math.min(1 / 2, Math.max(1 / rows, fits / inTheEnd)))
      for (const fold of folds) fold.narrow(rest)
    }
  }

  /** Hands the rows of a pass over. They are dead memory afterwards, and little is alive so early in the next pass. */
  const handOver = async () => {
    const isMuch = sum(folds, (fold) => fold.bytes()) > WORTH_COLLECTING
    await Promise.all(folds.map((fold) => fold.finish()))
    if (isMuch) collectGarbage()
  }

  const isOver = () => folds.every((fold) => fold.ended())
  /** The rows of the last pass are on their way while the next pass reads. */
  let handedOver: Promise<void> | undefined
  try {
    for (let pass = passes.next(); pass && !isOver(); pass = passes.next()) {
      for (const fold of folds) fold.begin(pass)
      for (let rest = pass, isRead = false; !isRead && !isOver(); ) {
        const { partitions } = rest
        const after = furthest(folds.map((fold) => fold.positions()))
        isRead = await readUntil(reader, { ...history, after, upTo: only(partitions, upTo) }, (events) => {
          for (const fold of folds) fold.apply(events)
          rest = narrowed(rest)
          // Read on without the partitions that do not belong to the pass any more.
          return rest.partitions.length < partitions.length || isOver()
        })
      }
      await handedOver
      handedOver = handOver()
    }
  } finally {
    await handedOver
  }
  return folds.map((fold) => fold.ended())
}

/** Reads a history until `take` returns true. @returns whether it was read to its end */
async function readUntil(reader: Reader, query: HistoryQuery, take: (events: Replayed[]) => boolean): Promise<boolean> {
  try {
    await reader.history(query, (events) => {
      if (take(events)) throw new Enough()
    })
    return true
  } catch (error) {
    if (error instanceof Enough) return false
    throw error
  }
}

const only = (partitions: readonly number[], of: Positions) =>
  new Map([...of].filter(([partition]) => partitions.includes(partition)))

const sum = <T>(all: readonly T[], of: (one: T) => number) => all.reduce((total, one) => total + of(one), 0)
