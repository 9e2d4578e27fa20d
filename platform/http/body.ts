import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { bodyTooLarge, invalid, unreadableBody } from './errors.ts'
import { JsonDepthError, JsonSyntaxError, parseJson } from './json.ts'

/** What a body is when its content type says that it is not JSON. */
export const NOT_JSON = Symbol('not JSON')

/** The client went away before its request was complete: there is nobody to answer. */
export class Aborted extends Error {}

interface Reading {
  /** Most bytes. */
  limitBytes: number
  /** Asked before more than FREE_BYTES are taken in. Rejects when they shall not be. */
  admit(): Promise<unknown>
}

/** So much is taken in from anybody, who may turn out to be a stranger. */
const FREE_BYTES = 64 * 1024

/**
 * Reads all bytes of a body.
 *
 * @throws HttpError 413 as soon as there are more than `limitBytes`, what `admit` throws, Aborted when the client goes away
 */
export async function readBody(req: IncomingMessage, { limitBytes, admit }: Reading): Promise<Buffer> {
  const said = Number(req.headers['content-length'])
  if (said > limitBytes) throw bodyTooLarge(limitBytes)
  let isAdmitted = false
  if (said > FREE_BYTES) {
    await admit()
    isAdmitted = true
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let isRefused = false
    const refuse = (error: unknown) => {
      isRefused = true
      chunks.length = 0
      req.resume()
      reject(error)
    }
    req.on('data', (chunk: Buffer) => {
      // What comes after a refusal is read and dropped, so that the client, still sending, gets to see the answer.
      if (isRefused) return
      size += chunk.length
      if (size > limitBytes) return refuse(bodyTooLarge(limitBytes))
      chunks.push(chunk)
      if (isAdmitted || size <= FREE_BYTES) return
      isAdmitted = true
      req.pause()
      admit().then(() => req.resume(), refuse)
    })
    req.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    req.on('error', () => reject(new Aborted()))
    // Every request closes in the end, and an error that nobody gets would still cost its stack.
    req.on('close', () => req.readableEnded || reject(new Aborted()))
    if (req.destroyed) reject(new Aborted())
  })
}

/**
 * Parses a body: undefined when there is none, `NOT_JSON` when it is said to be something else.
 *
 * @throws HttpError 400 when it is not UTF-8 or nested too deeply, 422 when it is not JSON
 */
export function parseBody(contentType: string | undefined, bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined
  if (!isJson(contentType)) return NOT_JSON
  if (!isUtf8(bytes)) throw unreadableBody()
  try {
    return parseJson(withoutMark(bytes.toString()))
  } catch (error) {
    if (error instanceof JsonDepthError) throw unreadableBody()
    if (error instanceof JsonSyntaxError)
      throw invalid([{ field: `body.${error.offset}`, message: 'JSON decode error', type: 'json_invalid' }])
    throw error
  }
}

/** JSON unless said otherwise: `application/json`, `application/*+json`, or no content type at all. */
const isJson = (contentType = '') =>
  contentType === 'application/json' || /^\s*(application\/(json|[^;\s]+\+json)\s*(;|$)|$)/i.test(contentType)

const withoutMark = (text: string) => (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
