import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { breather } from '../breather.ts'
import { bodyTooLarge, type HttpError, invalid, tooManyParts, unreadableBody, unsupportedCoding } from './errors.ts'
import { JsonDepthError, JsonPartsError, JsonSyntaxError, MAX_LENIENT, parseJson } from './json.ts'
import { parseInSlices } from './json-slices.ts'

/** Stands for a body whose content type is not JSON. */
export const NOT_JSON = Symbol('not JSON')

/** The client disconnected before its request was complete, so there is nothing to answer. */
export class Aborted extends Error {}

interface Reading {
  /** Maximum size in bytes. */
  limitBytes: number
  /** Called before more than FREE_BYTES are read. Rejects to refuse the body. */
  admit(): Promise<unknown>
  /** False: only checks from the head whether the body would be accepted, and reads nothing. */
  isWanted?: boolean
  /** Given when the client waits for `100 Continue`: called once the head has been accepted. */
  invite?: (() => void) | undefined
}

const NOTHING = Buffer.alloc(0)

/** Read before `admit` has authorized the client. */
const FREE_BYTES = 64 * 1024

/**
 * Reads all bytes of a body.
 *
 * @throws HttpError 415 when it is compressed, 413 as soon as it exceeds `limitBytes`; errors of `admit`; Aborted when the client
 * disconnects
 */
export async function readBody(req: IncomingMessage, { limitBytes, admit, isWanted = true, invite }: Reading): Promise<Buffer> {
  const said = Number(req.headers['content-length'])
  if (said > limitBytes) throw bodyTooLarge(limitBytes)
  const coding = contentCodingProblem(req)
  if (coding) throw coding
  let isAdmitted = false
  if (said > FREE_BYTES || invite || !isWanted) {
    await admit()
    isAdmitted = true
  }
  if (!isWanted) return NOTHING
  invite?.()
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
      // After a refusal the rest is read and dropped, so that a client that is still sending gets the answer.
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
    // Every request closes in the end; creating an error that nobody sees would still cost its stack trace.
    req.on('close', () => req.readableEnded || reject(new Aborted()))
    if (req.destroyed) reject(new Aborted())
  })
}

/** Values that mean no compression; some clients wrongly send a charset in this field. */
const UNCHANGED = /^(identity|utf-?8)?$/

/** Refuses a compressed body: a small one could expand to any amount of memory. */
function contentCodingProblem(req: IncomingMessage): HttpError | undefined {
  const coding = req.headers['content-encoding']?.trim().toLowerCase()
  return coding === undefined || UNCHANGED.test(coding) ? undefined : unsupportedCoding()
}

/** Longer bodies are parsed in slices, because parsing them at once would delay all other requests. */
const MAX_AT_ONCE = 128 * 1024

/** True when a body is long enough to be parsed in slices. */
export const isLong = ({ length }: Buffer): boolean => length > MAX_AT_ONCE

/**
 * Parses a body. Resolves to undefined for an empty body, and to `NOT_JSON` when its content type is not JSON.
 *
 * @param maxParts maximum number of lists, dictionaries and keys in a long body
 * @throws HttpError 400 when it is not UTF-8 or nested too deeply, 413 when it has too many parts, 422 when it is not JSON
 */
export async function parseBody(contentType: string | undefined, bytes: Buffer, maxParts: number): Promise<unknown> {
  if (bytes.length === 0) return undefined
  if (!isJson(contentType)) return NOT_JSON
  if (!isUtf8(bytes)) throw unreadableBody()
  if (isLong(bytes)) await turn()
  const text = withoutMark(bytes.toString())
  try {
    return text.length > MAX_AT_ONCE ? await parseLong(text, maxParts) : parseJson(text)
  } catch (error) {
    if (error instanceof JsonDepthError) throw unreadableBody()
    if (error instanceof JsonPartsError) throw tooManyParts(error.maxParts)
    if (error instanceof JsonSyntaxError)
      throw invalid([{ field: `body.${error.offset}`, message: 'JSON decode error', type: 'json_invalid' }])
    throw error
  }
}

async function parseLong(text: string, maxParts: number): Promise<unknown> {
  try {
    const value = await parseInSlices(text, { maxParts, pause: breather() })
    await turn()
    return value
  } catch (error) {
    // Our own parser also accepts some literals that are not JSON, and its error tells the offset.
    if (error instanceof JsonSyntaxError && text.length <= MAX_LENIENT) return parseJson(text)
    throw error
  }
}

/** True for `application/json`, `application/*+json`, or no content type at all. */
export const isJson = (contentType = '') =>
  contentType === 'application/json' || /^\s*(application\/(json|[^;\s]+\+json)\s*(;|$)|$)/i.test(contentType)

const withoutMark = (text: string) => (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
