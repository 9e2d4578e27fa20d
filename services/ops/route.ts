import { routesOf } from '#platform/http/route.ts'
import type { Role } from './access.ts'
import type { App, Tools } from './deps.ts'

/**
 * Declares a route of the page's server. The type requires `may`, so no route is left without an access check. An operator may do
 * all that a viewer may; `anyone` is for the page's files and for signing in.
 */
export const route = routesOf<App, Tools, { may: Role | 'anyone' }>()
