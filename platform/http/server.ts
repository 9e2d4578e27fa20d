import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { atMost } from '#platform/deadline.ts'
import type { Handler } from './edge.ts'
import { type HttpError, methodNotAllowed } from './errors.ts'
import { type ParserError, refusalOf, refuser } from './unreadable.ts'

/** Longer than the idle timeout of common load balancers, so that the load balancer closes idle connections first. */
const KEEP_ALIVE_MS = 75_000

interface Answering {
  answer(req: IncomingMessage, res: ServerResponse): void
  /** The whole text of the answer to an unreadable request. */
  written(refusal: HttpError): string
}

/**
 * Creates an HTTP server that also answers requests that its parser cannot read; it does not listen yet.
 *
 * @param inFlight filled with the unfinished answers
 */
export function httpServer({ answer, written }: Answering, inFlight = new Set<ServerResponse>()): Server {
  const take = (req: IncomingMessage, res: ServerResponse) => {
    inFlight.add(res)
    res.on('close', () => inFlight.delete(res))
    answer(req, res)
  }
  // The handler refuses a request without Host itself, in the API's error format.
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true, requireHostHeader: false }, take)
  // Without listeners Node would answer 100 or 417 itself, before the handler sees the request.
  server.on('checkContinue', take)
  server.on('checkExpectation', take)
  const refuse = refuser(inFlight, written)
  server.on('clientError', (error: ParserError, socket: Socket) => void refuse(socket, refusalOf(error)))
  // CONNECT (tunnels) is not supported.
  server.on('connect', (_, socket: Socket) => void refuse(socket, methodNotAllowed('')))
  return server
}

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
    if (isClosed) res.shouldKeepAlive = false
    res.on('close', () => {
      // An answer that had begun before closing could not announce `Connection: close`, so its connection is closed here.
      if (hasLingered) setImmediate(() => server.closeIdleConnections())
    })
    handler(req, res)
  }
  const server = httpServer({ answer, written: handler.written }, inFlight)
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
