/** The polynomial of CRC-32C (Castagnoli), bits reversed. Node's own `zlib.crc32` has another one. */
const POLYNOMIAL = 0x82f63b78
const AT_ONCE = 8

/** `TABLES[256 * n + byte]`: the effect of a byte that `n` other bytes follow. */
const TABLES = new Int32Array(256 * AT_ONCE)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
  TABLES[byte] = crc
}
for (let at = 256; at < TABLES.length; at++) TABLES[at] = (TABLES[at - 256]! >>> 8) ^ TABLES[TABLES[at - 256]! & 0xff]!

/** The checksum of a record batch: CRC-32C of `bytes` from `from` up to `to`, eight bytes in each step. */
export function crc32c(bytes: Uint8Array, from: number, to: number): number {
  let crc = -1
  let at = from
  for (const last = to - AT_ONCE; at <= last; at += AT_ONCE) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      TABLES[0x700 | (crc & 0xff)]! ^
      TABLES[0x600 | ((crc >>> 8) & 0xff)]! ^
      TABLES[0x500 | ((crc >>> 16) & 0xff)]! ^
      TABLES[0x400 | (crc >>> 24)]! ^
      TABLES[0x300 | bytes[at + 4]!]! ^
      TABLES[0x200 | bytes[at + 5]!]! ^
      TABLES[0x100 | bytes[at + 6]!]! ^
      TABLES[bytes[at + 7]!]!
  }
  for (; at < to; at++) crc = (crc >>> 8) ^ TABLES[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}
