import type { Snapshot } from '../port.ts'

/** A snapshot to store; may have more columns. */
export type SnapshotRow = Snapshot & { stream: string }

/**
 * Snapshots as one JSON array of rows for Postgres; each state is JSON text already. Sorted by stream, so that all statements lock
 * the rows in the same order and cannot deadlock.
 */
export const snapshotRows = (snapshots: readonly SnapshotRow[]): string => {
  const inOrder = snapshots.toSorted((a, b) => (a.stream < b.stream ? -1 : 1))
  return `[${inOrder.map(({ state, ...row }) => `{${JSON.stringify(row).slice(1, -1)},"state":${state}}`)}]`
}
