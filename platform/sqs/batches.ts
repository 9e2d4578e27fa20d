import { MAX_BYTES, MAX_ENTRIES } from './queues.ts'

/** Cuts a list into parts that one request may hold, in its order. What is too large alone gets a part of its own. */
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
