import type { KafkaMessage } from 'kafkajs'
import { sizeOf } from './records/record.ts'

/** Records of one partition that wait to be handled. */
export interface Waiting {
  partition: number
  messages: readonly KafkaMessage[]
  /** How many of them were taken for a batch. */
  taken: number
  /** Size of the records that were not taken yet. */
  bytes: number
}

/** Records of a batch: a part of what waits. */
export interface Share<W extends Waiting> {
  of: W
  messages: readonly KafkaMessage[]
}

/**
 * Takes the records of one batch from what waits and counts them as taken: the same number of each partition as far as there are, so
 * that partitions can be handled side by side. The records of a partition stay in order.
 *
 * @param waiting in order within each partition; each has records left
 * @param most how many records to take, and after how many bytes of them to stop
 * @returns the records, what has none left, and the number of records
 */
export function share<W extends Waiting>(
  waiting: readonly W[],
  most: { records: number; bytes: number },
): { shares: Share<W>[]; ended: W[]; size: number } {
  const shares: Share<W>[] = []
  const ended: W[] = []
  let size = 0
  let bytes = 0
  const isFull = () => size >= most.records || bytes >= most.bytes
  for (let left = waiting; !isFull() && left.length > 0; left = left.filter((one) => !ended.includes(one))) {
    const portion = Math.ceil((most.records - size) / left.length)
    const begun = new Set<number>()
    for (const one of left) {
      const { partition, messages, taken } = one
      // Behind other records of its partition that are not all taken.
      if (begun.has(partition)) continue
      for (; one.taken < messages.length && one.taken < taken + portion && !isFull(); one.taken++, size++) {
        const of = sizeOf(messages[one.taken]!)
        bytes += of
        one.bytes -= of
      }
      if (one.taken === messages.length) ended.push(one)
      else begun.add(partition)
      if (one.taken > taken) shares.push({ of: one, messages: messages.slice(taken, one.taken) })
    }
  }
  return { shares, ended, size }
}
