import { maxHeaderSize, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import {
  badHead,
  chunkExtensionsTooLarge,
  type HttpError,
  headTooLarge,
  requestTimeout,
  transferCodingNotImplemented,
  versionNotSupported,
} from './errors.ts'

/** An error of Node's HTTP parser, or its request timeout. */
export type ParserError = Error & { code?: string; reason?: string }

/** The answer to a request that the parser gave up on. */
export function refusalOf({ code, reason = '' }: ParserError): HttpError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return headTooLarge(maxHeaderSize)
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return chunkExtensionsTooLarge()
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return requestTimeout()
    case 'HPE_INVALID_VERSION':
    case 'HPE_PAUSED_H2_UPGRADE':
      return versionNotSupported()
    case 'HPE_INVALID_TRANSFER_ENCODING':
      // This code also means a Transfer-Encoding beside a Content-Length, which is an invalid request instead.
      if (!reason.includes('Content-Length')) return transferCodingNotImplemented()
  }
  return badHead(reason || 'it is no HTTP')
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

/** How long the client may go on sending: closing at once could reset the connection, and the client would lose the answer. */
const HEAR_OUT_MS = 5000

/**
 * Answers on connections whose parser has failed: one refusal per connection, after the answers to earlier requests.
 *
 * @param inFlight unfinished answers of all connections
 * @param written makes the whole text of an answer
 */
export function refuser(inFlight: ReadonlySet<ServerResponse>, written: (refusal: HttpError) => string) {
  const refused = new WeakSet<Socket>()

  return async (socket: Socket, refusal: HttpError): Promise<void> => {
    if (refused.has(socket)) return
    refused.add(socket)
    socket.on('error', () => {})
    const pending = [...inFlight].filter(({ req }) => req.socket === socket)
    // The unreadable part may be the body of the last pending request. If its answer has begun, no refusal follows.
    const broken = pending.find(({ req }) => !req.complete)
    await Promise.all(pending.map((res) => res !== broken && new Promise((resolve) => res.once('close', resolve))))
    if (broken?.headersSent) return
    if (!socket.writable) return void socket.destroy()
    socket.end(written(refusal))
    socket.resume()
    setTimeout(() => socket.destroy(), HEAR_OUT_MS).unref()
  }
}
