import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
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
  /** P12: stops accepting, finishes what is in flight, has streams come to their end, then closes all connections. */
  close(): Promise<void>
}

/** Longer than the idle timeout of common load balancers, so that it is they who close idle connections. */
const KEEP_ALIVE_MS = 75_000

const QUIET_TURNS = 3
/** Where connections never cease to come, somebody will be cut: better now than never. */
const MAX_ADMIT_MS = 250

/**
 * Serves HTTP.
 *
 * @throws the error of `listen` (EADDRINUSE, EACCES …)
 */
export async function serve(handler: Handler, { port, host, lingerMs = 200, finishMs = 30_000 }: ServeOptions): Promise<Served> {
  const inFlight = new Set<ServerResponse>()
  const sockets = new Set<Socket>()
  let closing: Promise<void> | undefined
  let isClosed = false
  let hasLingered = false

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true }, (req, res) => {
    inFlight.add(res)
    if (isClosed) res.shouldKeepAlive = false
    res.on('close', () => {
      inFlight.delete(res)
      // An answer that had begun before closing could not say that it is the last one on its connection.
      if (hasLingered) setImmediate(() => server.closeIdleConnections())
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

  /**
   * Takes in everybody who has connected already: the kernel would cut them when the door closes. A turn of the event
   * loop takes in one, so the first quiet turns tell that nobody is left.
   */
  async function admit() {
    let quietTurns = 0
    const onConnection = () => {
      quietTurns = 0
    }
    server.on('connection', onConnection)
    const until = performance.now() + MAX_ADMIT_MS
    while (quietTurns < QUIET_TURNS && performance.now() < until) {
      quietTurns++
      await turn()
    }
    server.off('connection', onConnection)
  }

  async function close() {
    await admit()
    isClosed = true
    // http's own close would at once destroy connections that look idle, also one whose next request is on its way.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()))
    for (const res of inFlight) res.shouldKeepAlive = false
    handler.stopStreams?.()
    const timers = new AbortController()
    const { signal } = timers
    await Promise.race([closed, delay(lingerMs, undefined, { signal })])
    hasLingered = true
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
