import type { Readable } from 'node:stream'
import { z } from 'zod'

/** An answer's body that is not JSON: the whole body, or a stream when it is too large for memory. */
export class Content {
  readonly type: string
  readonly body: string | Buffer | Readable
  /** Names and values in turn. */
  readonly headers: readonly string[]
  constructor(type: string, body: string | Buffer | Readable, headers: readonly string[] = []) {
    this.type = type
    this.body = body
    this.headers = headers
  }
}

/** Declares such an answer for a route. */
export const content = (type: string) => z.string().meta({ contentType: type })
