/**
 * A short hash for recognising a text that was stored before. Two different texts share one with a chance of one in 2^64. Not
 * cryptographic: it does not withstand an attacker.
 */
export function fingerprint(text: string): string {
  // FNV-1a over UTF-16 units, in two lanes with different seeds and multipliers.
  let a = 0x811c9dc5
  let b = 0x9747b28c
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b ^ unit, 0x5bd1e995) ^ (b >>> 15)
  }
  return `${text.length.toString(36)}-${(a >>> 0).toString(36)}-${(b >>> 0).toString(36)}`
}
