import { z } from 'zod'
import { routesOf } from '#platform/http/route.ts'
import type { App } from './deps.ts'
import type { Tools } from './tools.ts'

/** Declares a route of the API, and says in a few words what it does. */
export const route = routesOf<App, Tools, { summary: string }>()

/** An answer that only says what was done. */
export const Message = z.object({ message: z.string() }).meta({ id: 'Message' })

/** Most bytes of a body, where it is not the usual 1 MiB. */
export const BODY_LIMIT_BYTES = {
  /** Of who is not known yet: an address, a password, a token. */
  credentials: 256 * 1024,
  /** What a person writes or pastes: at least five million characters. */
  text: 6 * 1024 * 1024,
  /** What a worker finds out: the transcript of a day, say. */
  findings: 16 * 1024 * 1024,
}
