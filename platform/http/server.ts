import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type HttpError, methodNotAllowed } from './errors.ts'
import { type ParserError, refusalOf, refuser } from './unreadable.ts'

/** Longer than the idle timeout of common load balancers, so that the load balancer closes idle connections first. */
const KEEP_ALIVE_MS = 75_000

interface Answering {
  answer(req: IncomingMessage, res: ServerResponse): void
  /** The whole text of the answer to an unreadable request. */
  written(refusal: HttpError): string
}

/** Creates an HTTP server that also answers requests that its parser cannot read; it does not listen yet. */
export function httpServer({ answer, written }: Answering): Server {
  const inFlight = new Set<ServerResponse>()
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

/**
 * Serializes a refusal as the last answer of its connection.
 *
 * @param fields further header fields, names and values in turn
 */
export function writtenAnswer({ status, body, headers }: HttpError, fields: readonly string[]): string {
  const text = JSON.stringify(body)
  const all = [
    ...['Date', new Date().toUTCString(), 'Content-Type', 'application/json'],
    ...['Content-Length', String(Buffer.byteLength(text)), 'Connection', 'close'],
    ...fields,
    ...headers,
  ]
  const lines = all.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${all[at + 1]}`] : []))
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', text].join('\r\n')
}
