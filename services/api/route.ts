import { z } from 'zod'
import { routesOf } from '#platform/http/route.ts'
import type { ViewName } from '#projections/index.ts'
import type { App } from './deps.ts'
import type { Tools } from './tools.ts'

/** Declares a route of the API, with a short summary. */
export const route = routesOf<App, Tools, { summary: string; reads?: readonly ViewName[] }>()

/** An answer that only confirms. */
export const Message = z.object({ message: z.string() }).meta({ id: 'Message' })

/** Maximum bytes of a body, where the usual 1 MiB does not fit. */
export const BODY_LIMIT_BYTES = {
  /** Credentials, from callers not yet authenticated: an address, a password, a token. */
  credentials: 256 * 1024,
  /** Text that a person writes or pastes: at least five million characters. */
  text: 6 * 1024 * 1024,
  /** A worker's findings, such as the transcript of a day. */
  findings: 16 * 1024 * 1024,
}

/** Maximum lists, objects and keys in a worker's findings, such as two hundred thousand rows of a transcript. */
export const FINDINGS_LIMIT_PARTS = 1_000_000
