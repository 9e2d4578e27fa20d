import type { IncomingMessage, ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Logger } from 'pino'
import { faultOf } from '../telemetry/fault.ts'
import { Aborted } from './body.ts'
import { hasAlready } from './conditional.ts'
import { Content } from './content.ts'
import { crossOrigin } from './cors.ts'
import { assertAnswer, assertContent, assertStream } from './declared.ts'
import { HttpError, internalError } from './errors.ts'
import { JsonText } from './json.ts'
import type { Request } from './request.ts'
import { Answer, type Route } from './route.ts'
import { EventStream, STREAM_HEADERS, type StreamOptions, streams } from './stream.ts'

/**
 * A request and its answer. The router gets this object instead of Node's own request, so that nothing has to be attached to Node's
 * objects; the router needs only `method` and `url`.
 */
export interface Exchange {
  method: string
  url: string
  /** Set by the router. */
  params?: Record<string, string>
  req: IncomingMessage
  res: ServerResponse
  request: Request
  /** The path ended in a slash: a route that matches the path without it redirects the client. */
  redirected: boolean
  /** Methods of the routes that match the path, when none of them has the requested method. */
  allowed?: string[]
}

export interface AnswersOptions {
  /** Turns an error of the application into an HttpError; undefined for an unexpected one. */
  explain?(error: unknown): HttpError | undefined
  log: Logger
  /** Called for each request when its answer begins, or with no status when the client disconnected before. */
  measure?: ((request: Request, status: number | undefined, elapsedMs: number) => void) | undefined
  /** Headers that pages of other origins may read, in addition to `X-Request-ID` and `Retry-After`. */
  exposedHeaders?: readonly string[]
  /** False: pages of other origins may read nothing, and may send only what needs no preflight. */
  isCrossOrigin?: boolean
  /** Headers of every answer, names and values in turn. */
  usualHeaders?: readonly string[]
  /** Checks every answer against its declaration; for tests. */
  checkAnswers?: boolean
  streaming?: StreamOptions
}

const NONE: readonly string[] = []
const JSON_TYPE = ['Content-Type', 'application/json']

/** Writes the answers of a server, and a line in the log for each. */
export function answersOf(options: AnswersOptions & { usualHeaders: readonly string[]; isCrossOrigin: boolean }) {
  const { explain, log, measure, checkAnswers, usualHeaders, isCrossOrigin } = options
  const cors = crossOrigin(['X-Request-ID', 'Retry-After', ...(options.exposedHeaders ?? [])])
  const open = streams(options.streaming)

  /** Answers with what a handler returned. */
  function succeed(route: Route, exchange: Exchange, result: unknown) {
    if (result instanceof EventStream) return stream(route, exchange, result)
    const status = result instanceof Answer ? result.status : route.status
    if (result instanceof Answer && result.undelivered) onceUndelivered(exchange.res, result.undelivered)
    if (status === 204) return writeHead(exchange, 204, []).end()
    const body = result instanceof Answer ? result.body : result
    if (body instanceof Content) {
      if (checkAnswers) assertContent(route, status, body)
      if (body.body instanceof Readable) return pour(route, exchange, status, body, body.body)
      return complete(exchange, status, ['Content-Type', body.type, ...body.headers], body.body)
    }
    const json = body instanceof JsonText ? body.text : JSON.stringify(body)
    if (checkAnswers) assertAnswer(route, status, json)
    complete(exchange, status, JSON_TYPE, json)
  }

  function stream(route: Route, exchange: Exchange, { run }: EventStream) {
    if (checkAnswers) assertStream(route)
    const { request, res } = exchange
    writeHead(exchange, 200, STREAM_HEADERS)
    res.flushHeaders()
    void open.write(res, run, (error) =>
      log.error({ requestId: request.id, route: request.route, fault: faultOf(error) }, 'stream failed'),
    )
  }

  /** Sends a body as fast as the client reads it. An error midway breaks the connection, so that no client takes a part for the whole. */
  function pour(route: Route, exchange: Exchange, status: number, { type, headers }: Content, body: Readable) {
    const { request, res } = exchange
    writeHead(exchange, status, ['Content-Type', type, ...headers])
    pipeline(body, res).catch((error) => {
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE')
        log.error({ requestId: request.id, route: route.path, fault: faultOf(error) }, 'answer was cut')
    })
  }

  function complete(exchange: Exchange, status: number, headers: readonly string[], body: string | Buffer) {
    const { etag, method, headers: asked } = exchange.request
    if (etag === undefined) return send(exchange, status, headers, body)
    if (method === 'GET' && hasAlready(etag, asked)) return void writeHead(exchange, 304, ['ETag', etag]).end()
    send(exchange, status, [...headers, 'ETag', etag], body)
  }

  function fail(exchange: Exchange, error: unknown) {
    if (error instanceof Aborted) return
    const known = error instanceof HttpError ? error : explain?.(error)
    // An error with a cause is our fault and is logged, even when the client gets a proper answer.
    if (!known || known.cause !== undefined)
      log.error({ requestId: exchange.request.id, route: exchange.request.route, fault: faultOf(error) }, 'request failed')
    const { status, body, headers } = known ?? internalError()
    if (!exchange.res.headersSent) send(exchange, status, [...JSON_TYPE, ...headers], JSON.stringify(body))
  }

  function send(exchange: Exchange, status: number, headers: readonly string[], body: string | Buffer) {
    writeHead(exchange, status, [...headers, 'Content-Length', String(Buffer.byteLength(body))])
    end(exchange, body)
  }

  function writeHead({ request, res }: Exchange, status: number, headers: readonly string[]) {
    // When the client has disconnected, `logAtEnd` has measured the request already.
    if (!res.destroyed) measure?.(request, status, performance.now() - request.startedAt)
    return res.writeHead(status, [
      'X-Request-ID',
      request.id,
      ...usualHeaders,
      ...headers,
      ...(isCrossOrigin && request.headers.origin !== undefined ? cors(request) : NONE),
      ...request.answerHeaders,
    ])
  }

  /**
   * Logs one line when a request was answered, or its client disconnected (`aborted`). Headers, query and body are left out,
   * because they may contain secrets. A function of its own, so that the listener of an open stream keeps only these variables in memory.
   */
  function logAtEnd(request: Request, res: ServerResponse) {
    res.on('close', () => {
      const elapsedMs = performance.now() - request.startedAt
      const { id: requestId, method, path, route, actor, address } = request
      const aborted = res.writableFinished ? undefined : true
      const status = res.headersSent ? res.statusCode : undefined
      const rounded = Math.round(elapsedMs * 100) / 100
      log.info({ requestId, method, path, route, actor, address, status, aborted, elapsedMs: rounded }, 'request')
      if (!res.headersSent) measure?.(request, undefined, elapsedMs)
    })
  }

  return { succeed, fail, send, logAtEnd, open }
}

/** Calls back when an answer was not written. Bytes handed to the kernel count as written, because a server cannot know more. */
function onceUndelivered(res: ServerResponse, callback: () => void) {
  if (res.destroyed) return callback()
  res.once('close', () => {
    if (!res.writableFinished) callback()
  })
}

/** How long the rest of a request is read and dropped after its answer. */
const HEAR_OUT_MS = 5000

/**
 * Ends an answer. When the connection ends with it while the client still sends, closing at once would reset the connection, and
 * the client would lose the answer. So this sends the answer and drops what the client sends, for up to HEAR_OUT_MS.
 */
function end({ req, res }: Exchange, body: string | Buffer) {
  if (req.complete || res.shouldKeepAlive) return res.end(body)
  res.write(body)
  const done = () => {
    clearTimeout(patience)
    res.end()
  }
  const patience = setTimeout(done, HEAR_OUT_MS).unref()
  req.once('end', done).once('close', done).resume()
}
