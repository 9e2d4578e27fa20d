/** How payloads are encoded as the values of messages. */
export interface Wire {
  encode(event: { topic: string; type: string; schema: number; data: string }): Buffer
  /** Accepts values with and without the frame of a schema registry, whichever of them `encode` writes. */
  decode(value: Buffer): string
}

/** A frame of the registry: a zero byte and four bytes of the schema's id, as Confluent's clients write it. */
const MAGIC = 0
const FRAME_BYTES = 5

/** A payload with the frame in front of it. @param id the id of its schema in the registry */
export function framed(id: number, data: string): Buffer {
  const value = Buffer.allocUnsafe(FRAME_BYTES + Buffer.byteLength(data))
  value[0] = MAGIC
  value.writeUInt32BE(id, 1)
  value.write(data, FRAME_BYTES)
  return value
}

/** The payload's JSON text, unchanged, without the frame. */
export const decodeWire = (value: Buffer): string =>
  value[0] === MAGIC && value.length > FRAME_BYTES ? value.toString('utf8', FRAME_BYTES) : value.toString('utf8')

/** Plain JSON: no registry. */
export const plainWire: Wire = { encode: ({ data }) => Buffer.from(data), decode: decodeWire }
