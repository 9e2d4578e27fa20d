import { Fenced } from '#platform/log/port.ts'
import type { Reading } from './fold.ts'
import { divide } from './groups.ts'

/**
 * Divides events for two transactions side by side, in order within each. All events of a row are of one partition, so no row and no
 * checkpoint belongs to both.
 * @returns two parts with about equally many events; one if all are of one partition
 */
export function sideBySide(readings: readonly Reading[]): Reading[][] {
  const counts = Map.groupBy(readings, ({ recorded }) => recorded.partition)
  const groups = divide(
    [...counts].map(([partition, { length: events }]) => ({ partition, events })),
    2,
  )
  return groups.map(({ partitions }) => readings.filter(({ recorded }) => partitions.includes(recorded.partition)))
}

/**
 * Waits for all, also when one fails: a transaction that is still open would be in the way of a second try.
 * @throws an error of one. When one was fenced and another failed otherwise, the other error: it tells more.
 */
export async function allOf(all: Promise<void>[]): Promise<void> {
  const errors = (await Promise.allSettled(all)).flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  if (errors.length > 0) throw errors.find((error) => !(error instanceof Fenced)) ?? errors[0]
}
