/** Reads the types of Kafka's protocol from a buffer, one after the other. */
export class Bytes {
  readonly buffer: Buffer
  at = 0
  constructor(buffer: Buffer) {
    this.buffer = buffer
  }

  int16(): number {
    this.at += 2
    return this.buffer.readInt16BE(this.at - 2)
  }

  int32(): number {
    this.at += 4
    return this.buffer.readInt32BE(this.at - 4)
  }

  int64(): bigint {
    this.at += 8
    return this.buffer.readBigInt64BE(this.at - 8)
  }

  /** A varint or varlong in zigzag form. Numbers beyond 2^53 lose their last bits. */
  varint(): number {
    const { buffer } = this
    let byte = buffer[this.at++]!
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let value = byte & 0x7f
    for (let factor = 0x80; byte >= 0x80; factor *= 0x80) {
      byte = buffer[this.at++]!
      value += (byte & 0x7f) * factor
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** A view of the next bytes, or null where the length is negative. */
  slice(length: number): Buffer | null {
    if (length < 0) return null
    this.at += length
    return this.buffer.subarray(this.at - length, this.at)
  }

  /** As `slice`, without a view. */
  skip(length: number) {
    if (length > 0) this.at += length
  }

  text(length: number): string {
    if (length <= 0) return ''
    this.at += length
    return this.buffer.toString('utf8', this.at - length, this.at)
  }

  isAt(bytes: Uint8Array): boolean {
    const { buffer, at } = this
    for (let i = 0; i < bytes.length; i++) if (buffer[at + i] !== bytes[i]) return false
    return true
  }

  /** Whether the next bytes are the same as those at an earlier place. */
  repeats(place: number, length: number): boolean {
    const { buffer, at } = this
    for (let i = 0; i < length; i++) if (buffer[at + i] !== buffer[place + i]) return false
    return true
  }
}
