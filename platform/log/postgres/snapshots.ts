import type { Snapshot } from '../port.ts'

/** A state to keep, with whatever travels along. */
export type SnapshotRow = Snapshot & { stream: string }

/**
 * States as Postgres takes them in, as one JSON array of rows; each state is JSON text already. Always in the order of the
 * streams: whoever keeps several states locks their rows one after the other, and no two may wait for each other in a circle.
 */
export const snapshotRows = (snapshots: readonly SnapshotRow[]): string => {
  const inOrder = snapshots.toSorted((a, b) => (a.stream < b.stream ? -1 : 1))
  return `[${inOrder.map(({ state, ...row }) => `{${JSON.stringify(row).slice(1, -1)},"state":${state}}`)}]`
}
