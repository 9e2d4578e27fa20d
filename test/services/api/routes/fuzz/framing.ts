/** How a body is put on the wire: rightly by its length or in chunks, or cut off, or without saying how long it is. */
export type Framing = 'length' | WrongFraming
export const wrongFramings = ['chunked', 'ragged', 'truncated', 'short', 'none'] as const
type WrongFraming = (typeof wrongFramings)[number]

/** Whether a server may wait for more than comes, or take what comes for a second request. */
export const isBroken = (framing: Framing) => framing === 'truncated' || framing === 'short' || framing === 'none'

export function framingHeaders(framing: Framing, length: number): string[] {
  if (framing === 'none') return []
  if (framing === 'chunked' || framing === 'ragged') return ['Transfer-Encoding: chunked']
  const said = framing === 'truncated' ? length + 10 : framing === 'short' ? Math.floor(length / 2) : length
  return [`Content-Length: ${said}`]
}

export function framed(framing: Framing, body: Buffer): Buffer {
  const chunk = (bytes: Buffer, extension = '') =>
    Buffer.concat([Buffer.from(`${bytes.length.toString(16)}${extension}\r\n`), bytes, Buffer.from('\r\n')])
  const end = Buffer.from('0\r\n\r\n')
  if (framing === 'chunked') return Buffer.concat(body.length === 0 ? [end] : [chunk(body), end])
  if (framing !== 'ragged') return body
  const pieces = Array.from({ length: Math.min(body.length, 50) }, (_, n) => chunk(body.subarray(n, n + 1), ';a=b'))
  return Buffer.concat([...pieces, ...(body.length > 50 ? [chunk(body.subarray(50))] : []), end])
}
