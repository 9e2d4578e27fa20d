import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Handler } from './edge.ts'

export interface ServeOptions {
  /** 0 picks a free one. */
  port: number
  host: string
  /** How long clients with an open connection may still use it for one last request. */
  lingerMs?: number
  /** How long requests in flight may take to finish when closing; what is left then is cut. */
  finishMs?: number
}

export interface Served {
  port: number
  /** P12: stops accepting, finishes what is in flight, then closes all connections. */
  close(): Promise<void>
}

/** Longer than the idle timeout of common load balancers, so that it is they who close idle connections. */
const KEEP_ALIVE_MS = 75_000

/**
 * Serves HTTP.
 *
 * @throws the error of `listen` (EADDRINUSE, EACCES …)
 */
export async function serve(handler: Handler, { port, host, lingerMs = 200, finishMs = 30_000 }: ServeOptions): Promise<Served> {
  const inFlight = new Set<ServerResponse>()
  const sockets = new Set<Socket>()
  let closing: Promise<void> | undefined
  let lingered = false

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (req, res) => {
    inFlight.add(res)
    if (closing) res.shouldKeepAlive = false
    res.on('close', () => {
      inFlight.delete(res)
      // An answer that had begun before closing could not say that it is the last one on its connection.
      if (lingered) setImmediate(() => server.closeIdleConnections())
    })
    handler(req, res)
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })

  async function close() {
    // http's own close would at once destroy connections that look idle, also one whose next request is on its way.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()))
    for (const res of inFlight) res.shouldKeepAlive = false
    const timers = new AbortController()
    const { signal } = timers
    await Promise.race([closed, delay(lingerMs, undefined, { signal })])
    lingered = true
    server.closeIdleConnections()
    // One that never carried a request is not idle in http's eyes.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
    await Promise.race([closed, delay(finishMs, undefined, { signal })])
    server.closeAllConnections()
    await closed
    timers.abort()
  }

  return {
    port: (server.address() as AddressInfo).port,
    close: () => (closing ??= close()),
  }
}
