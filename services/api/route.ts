import { z } from 'zod'
import { routesOf } from '#platform/http/route.ts'
import type { App } from './deps.ts'
import type { Tools } from './tools.ts'

/** Declares a route of the API. */
export const route = routesOf<App, Tools>()

/** An answer that only says what was done. */
export const Message = z.object({ message: z.string() })
