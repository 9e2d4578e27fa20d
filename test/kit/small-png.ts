import { crc32, deflateSync, inflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/**
 * Reduces a picture to its 256 most frequent colours: a page of text on few backgrounds looks the same in a third of the bytes.
 * @param png 8 bits per channel, not interlaced, as made by browsers
 */
export function smallPng(png: Buffer): Buffer {
  const { width, height, channels, pixels } = read(png)
  const seen = new Map<number, number>()
  const colours = new Uint32Array(width * height)
  for (let i = 0; i < colours.length; i++) {
    const at = i * channels
    const colour = (pixels[at]! << 16) | (pixels[at + 1]! << 8) | pixels[at + 2]!
    colours[i] = colour
    seen.set(colour, (seen.get(colour) ?? 0) + 1)
  }
  const palette = [...seen].sort((a, b) => b[1] - a[1]).map(([colour]) => colour)
  const kept = palette.slice(0, 256)
  const indexOf = new Map(kept.map((colour, i) => [colour, i]))
  for (const colour of palette.slice(256)) indexOf.set(colour, nearest(colour, kept))

  const lines = Buffer.alloc(height * (width + 1))
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) lines[y * (width + 1) + 1 + x] = indexOf.get(colours[y * width + x]!)!
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 3, 0, 0, 0], 8)
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', head),
    chunk('PLTE', Buffer.from(kept.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]))),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function nearest(colour: number, among: readonly number[]): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY]
  among.forEach((other, i) => {
    const [r, g, b] = [16, 8, 0].map((shift) => ((colour >> shift) & 255) - ((other >> shift) & 255))
    const far = r! * r! + g! * g! + b! * b!
    if (far < least) [best, least] = [i, far]
  })
  return best
}

function read(png: Buffer): { width: number; height: number; channels: number; pixels: Buffer } {
  const data: Buffer[] = []
  let [width, height, channels] = [0, 0, 0]
  for (let at = SIGNATURE.length; at < png.length; ) {
    const bytes = png.readUInt32BE(at)
    const type = png.toString('latin1', at + 4, at + 8)
    const body = png.subarray(at + 8, at + 8 + bytes)
    if (type === 'IHDR') {
      width = body.readUInt32BE(0)
      height = body.readUInt32BE(4)
      channels = body[9] === 6 ? 4 : 3
    } else if (type === 'IDAT') data.push(body)
    at += bytes + 12
  }
  return { width, height, channels, pixels: unfiltered(inflateSync(Buffer.concat(data)), width * channels, height, channels) }
}

/** Reverses the filter of each line, which predicts bytes from those on the left and above. */
function unfiltered(lines: Buffer, lineBytes: number, height: number, channels: number): Buffer {
  const out = Buffer.alloc(lineBytes * height)
  for (let y = 0; y < height; y++) {
    const filter = lines[y * (lineBytes + 1)]!
    for (let x = 0; x < lineBytes; x++) {
      const at = y * lineBytes + x
      const left = x >= channels ? out[at - channels]! : 0
      const up = y > 0 ? out[at - lineBytes]! : 0
      const corner = x >= channels && y > 0 ? out[at - lineBytes - channels]! : 0
      const foretold = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!
      out[at] = lines[y * (lineBytes + 1) + 1 + x]! + foretold
    }
  }
  return out
}

function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)]
  return a <= b && a <= c ? left : b <= c ? up : corner
}

function chunk(type: string, body: Buffer): Buffer {
  const out = Buffer.alloc(body.length + 12)
  out.writeUInt32BE(body.length, 0)
  out.write(type, 4, 'latin1')
  out.set(body, 8)
  out.writeUInt32BE(crc32(out.subarray(4, body.length + 8)), body.length + 8)
  return out
}
