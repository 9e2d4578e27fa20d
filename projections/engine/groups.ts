/** Partitions that one thread folds, or one transaction writes, and the number of their events. */
export interface Group {
  partitions: number[]
  events: number
}

/**
 * Divides partitions into groups with about equally many events: the largest partition first, each into the smallest group.
 * @returns at most `most` groups, none of them empty
 */
export function divide(partitions: readonly { partition: number; events: number }[], most: number): Group[] {
  const groups = Array.from({ length: Math.min(most, partitions.length) }, (): Group => ({ partitions: [], events: 0 }))
  for (const { partition, events } of partitions.toSorted((a, b) => b.events - a.events)) {
    const smallest = groups.reduce((least, one) => (one.events < least.events ? one : least))
    smallest.partitions.push(partition)
    smallest.events += events
  }
  return groups
}
