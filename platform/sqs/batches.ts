import { MAX_BYTES, MAX_ENTRIES } from './queues.ts'

/** Splits a list, in order, into parts that fit one SQS request. An item that is too large alone gets its own part. */
export function batches<T>(list: readonly T[], bytesOf: (one: T) => number = () => 0): T[][] {
  const parts: T[][] = []
  let bytes = 0
  for (const one of list) {
    const more = bytesOf(one)
    const last = parts.at(-1)
    if (last && last.length < MAX_ENTRIES && bytes + more <= MAX_BYTES) {
      last.push(one)
      bytes += more
    } else {
      parts.push([one])
      bytes = more
    }
  }
  return parts
}
