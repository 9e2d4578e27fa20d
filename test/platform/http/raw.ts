import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** An answer as it came over the wire. */
export interface RawAnswer {
  status: number
  /** Lower-case name → values, in order. */
  headers: Map<string, string[]>
  header(name: string): string | undefined
  body: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  json(): any
}

/** A connection that sends just the bytes it is told to. */
export interface RawConnection {
  socket: Socket
  write(bytes: string | Uint8Array): void
  /** The next answer on this connection; one to HEAD has no body, whatever its length says. */
  answer(to?: string): Promise<RawAnswer>
  /** The next chunk of a chunked answer whose head was read; empty for the last one. */
  chunk(): Promise<string>
  /** Resolves when the server has closed the connection. */
  closed: Promise<void>
}

export async function open(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let received = Buffer.alloc(0)
  let changed = () => {}
  socket.on('data', (bytes) => {
    received = Buffer.concat([received, bytes])
    changed()
  })
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  closed.then(() => changed())
  socket.on('error', () => {})
  const take = (length: number) => {
    const bytes = received.subarray(0, length)
    received = received.subarray(length)
    return bytes
  }
  const until = async (isThere: () => boolean) => {
    while (!isThere()) {
      if (socket.destroyed) throw new Error(`closed after: ${received}`)
      await new Promise<void>((resolve) => {
        changed = resolve
      })
    }
  }
  return {
    socket,
    closed,
    write: (bytes) => void socket.write(bytes),
    async answer(to = 'GET') {
      await until(() => received.includes('\r\n\r\n'))
      const [first, ...lines] = take(received.indexOf('\r\n\r\n') + 4)
        .toString('latin1')
        .trimEnd()
        .split('\r\n')
      const headers = new Map<string, string[]>()
      for (const line of lines) {
        const [name, value] = [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]
        headers.set(name, [...(headers.get(name) ?? []), value])
      }
      const length = to === 'HEAD' ? 0 : Number(headers.get('content-length')?.[0] ?? 0)
      await until(() => received.length >= length)
      const body = take(length).toString()
      return {
        status: Number(first!.split(' ')[1]),
        headers,
        header: (name) => headers.get(name)?.join(', '),
        body,
        json: () => JSON.parse(body),
      }
    },
    async chunk() {
      await until(() => received.includes('\r\n'))
      const length = Number.parseInt(take(received.indexOf('\r\n') + 2).toString(), 16)
      await until(() => received.length >= length + 2)
      return take(length + 2)
        .subarray(0, length)
        .toString()
    },
  }
}

/** A request written out; a body gets its length. */
export function written(
  method: string,
  target: string,
  headers: Record<string, string> = {},
  body?: string | Uint8Array,
): Buffer {
  const bytes = body === undefined ? undefined : Buffer.from(body as string)
  const all = { Host: 'vid.example', ...headers, ...(bytes && { 'Content-Length': String(bytes.length) }) }
  const head = [`${method} ${target} HTTP/1.1`, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`), '', ''].join(
    '\r\n',
  )
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes ?? Buffer.alloc(0)])
}
