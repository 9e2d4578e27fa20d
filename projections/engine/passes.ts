import { ALL_ROWS, halves, type Slice } from './slice.ts'

/** What one pass over a history folds: some partitions, of a single partition perhaps only a slice of its rows. */
export interface Pass {
  partitions: readonly number[]
  slice: Slice
}

/**
 * Divides the fold of a history into passes whose rows fit into memory. All events of a row are in one partition, so a pass can fold
 * some partitions only, and leave the others to later passes. How many fit is found out while a pass runs.
 */
export interface Passes {
  /** The next pass; undefined when nothing is left. */
  next(): Pass | undefined
  /**
   * Leaves a part of the present pass to later ones.
   * @param share of the pass that fits, below 1
   * @returns what stays of it
   */
  narrow(share: number): Pass
}

/** @param share of all partitions that probably fits into a pass */
export function planPasses(partitions: readonly number[], share: number): Passes {
  const waiting = [...partitions]
  /** How many partitions fit into a pass. */
  let most = Math.max(1, Math.floor(waiting.length * Math.min(1, share)))
  let pass: Pass = { partitions: [], slice: ALL_ROWS }
  /** The rest of the present partition. */
  const slices: Slice[] = []

  return {
    next() {
      const slice = slices.pop()
      if (slice) pass = { ...pass, slice }
      else if (waiting.length > 0) pass = { partitions: waiting.splice(0, most), slice: ALL_ROWS }
      else return undefined
      return pass
    },
    narrow(share) {
      const { partitions } = pass
      if (partitions.length > 1) {
        most = Math.max(1, Math.min(partitions.length - 1, Math.floor(partitions.length * share)))
        waiting.unshift(...partitions.slice(most))
        pass = { ...pass, partitions: partitions.slice(0, most) }
      } else {
        let { slice } = pass
        for (let kept = 1; kept > share; kept /= 2) {
          const [stays, other] = halves(slice)
          slices.push(other)
          slice = stays
        }
        pass = { partitions, slice }
      }
      return pass
    },
  }
}
