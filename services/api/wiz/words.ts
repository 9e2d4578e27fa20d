const LONE_HIGH = /[\ud800-\udbff]$/

/** Makes pieces of text storable: no NUL, no lone surrogates, none empty. A pair split over two pieces goes with the second. */
export async function* storable(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let half = ''
  for await (const piece of pieces) {
    const text = half + piece
    half = LONE_HIGH.exec(text)?.[0] ?? ''
    const whole = clean(half ? text.slice(0, -1) : text)
    if (whole !== '') yield whole
  }
  if (half !== '') yield clean(half)
}

const clean = (text: string) => text.toWellFormed().replaceAll('\0', '')
