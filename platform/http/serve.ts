import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { atMost } from '#platform/deadline.ts'
import type { Handler } from './edge.ts'
import { httpServer } from './server.ts'

export interface ServeOptions {
  /** 0 picks a free port. */
  port: number
  host: string
  /** How long clients may still send one last request on an open connection when closing. */
  lingerMs?: number
  /** How long requests in flight may take to finish when closing; then their connections are cut. */
  finishMs?: number
}

export interface Served {
  port: number
  /** P12: stops accepting, finishes requests in flight, ends streams, then closes all connections. */
  close(): Promise<void>
}

const QUIET_TURNS = 3
/** Bounds the wait when connections keep arriving; some of them are then cut. */
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

  const answer = (req: IncomingMessage, res: ServerResponse) => {
    inFlight.add(res)
    if (isClosed) res.shouldKeepAlive = false
    res.on('close', () => {
      inFlight.delete(res)
      // An answer that had begun before closing could not announce `Connection: close`, so its connection is closed here.
      if (hasLingered) setImmediate(() => server.closeIdleConnections())
    })
    handler(req, res)
  }
  const server = httpServer({ answer, written: handler.written })
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
   * Accepts all connections that wait in the kernel, which would reset them when the server stops listening. Each turn of the event
   * loop accepts one, so a few turns without a new connection mean that none is left.
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
    // Not http's own `close`, which at once destroys idle connections, even when a request is on its way.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()))
    for (const res of inFlight) res.shouldKeepAlive = false
    handler.stopStreams?.()
    await atMost(lingerMs, closed)
    hasLingered = true
    server.closeIdleConnections()
    // http does not count a connection that never carried a request as idle.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
    await atMost(finishMs, closed)
    server.closeAllConnections()
    await closed
  }

  return {
    port: (server.address() as AddressInfo).port,
    close: () => (closing ??= close()),
  }
}
