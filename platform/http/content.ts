import { z } from 'zod'

/** A body that is not JSON. */
export class Content {
  readonly type: string
  readonly body: string | Buffer
  /** Names and values in turn. */
  readonly headers: readonly string[]
  constructor(type: string, body: string | Buffer, headers: readonly string[] = []) {
    this.type = type
    this.body = body
    this.headers = headers
  }
}

/** How a route declares such an answer. */
export const content = (type: string) => z.string().meta({ contentType: type })
