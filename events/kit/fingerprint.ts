/**
 * A short text that is equal for equal texts and, but for a chance of one in 2^64, for no others. For knowing again what was
 * stored, not for keeping an attacker out.
 */
export function fingerprint(text: string): string {
  // FNV-1a over UTF-16 units in two lanes that begin and multiply differently.
  let a = 0x811c9dc5
  let b = 0x9747b28c
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b ^ unit, 0x5bd1e995) ^ (b >>> 15)
  }
  return `${text.length.toString(36)}-${(a >>> 0).toString(36)}-${(b >>> 0).toString(36)}`
}
