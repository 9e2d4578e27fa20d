/**
 * Murmur2 as Kafka's Java client computes it, over the UTF-8 bytes of a key. Returns a signed 32-bit number.
 *
 * Source: Austin Appleby's MurmurHash2, with the seed that Kafka's default partitioner uses.
 */
export function murmur2(key: string): number {
  const bytes = Buffer.from(key, 'utf8')
  const m = 0x5bd1e995
  const length = bytes.length
  let h = 0x9747b28c ^ length
  const whole = length & ~3
  for (let i = 0; i < whole; i += 4) {
    let k = Math.imul(bytes.readInt32LE(i), m)
    k ^= k >>> 24
    h = Math.imul(h, m) ^ Math.imul(k, m)
  }
  if (length & 3) {
    for (let i = length - 1; i >= whole; i--) h ^= bytes[i]! << (8 * (i - whole))
    h = Math.imul(h, m)
  }
  h ^= h >>> 13
  h = Math.imul(h, m)
  return h ^ (h >>> 15)
}

/** The partition that Kafka's default partitioner would choose, so that events keep their partitions when a log moves to Kafka. */
export const partitionOf = (key: string, partitions: number): number => (murmur2(key) & 0x7fffffff) % partitions
