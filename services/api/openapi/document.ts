import { readFileSync } from 'node:fs'
import { type Also, type Json, openApiOf } from '#platform/http/openapi.ts'
import { sections } from '../routes/index.ts'
import { type AnyRoute, isWrite } from './kinds.ts'
import { refusalsOf } from './refusals.ts'
import { GUARDS, SECURITY_SCHEMES } from './security.ts'
import { ABOUT, EXAMPLES, INTRODUCTION } from './words.ts'

const header = (description: string) => ({ description, schema: { type: 'string' } })
const requestHeader = (name: string, description: string) => ({ name, in: 'header', ...header(description) })

const IDEMPOTENCY_KEY = requestHeader(
  'Idempotency-Key',
  'Repeated with the same key, a write gives the same answer and does nothing twice',
)
const IF_MATCH = requestHeader('If-Match', 'ETags of which the thing must still have one; `*` for any')
const POSITION = requestHeader(
  'VidWiz-Position',
  'What the answer to a write gave: this one waits (two seconds at most) until it shows what was written, by whatever process',
)
const IF_NONE_MATCH = requestHeader('If-None-Match', 'ETags that you have already: then 304')

/** The API as an OpenAPI 3.1 document, made from what its routes declare. */
export const openApi = (): Json =>
  openApiOf({
    info: { title: 'VidWiz', version: version(), description: INTRODUCTION },
    sections: Object.fromEntries(
      Object.entries(ABOUT).map(([name, description]) => [
        name,
        { routes: sections[name as keyof typeof sections], description },
      ]),
    ),
    securitySchemes: SECURITY_SCHEMES,
    examples: EXAMPLES,
    also,
  })

const version = () => JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')).version as string

/** Headers, parameters and refusals of a route that follow from the API's conventions rather than from the route's declaration. */
function also(route: AnyRoute): Also {
  const { method, path, spec } = route
  const guard = GUARDS.get(spec.auth)
  if (spec.auth && !guard) throw new Error(`the guard of ${method} ${path} is not described`)
  return {
    security: guard?.security,
    parameters: [
      ...(isWrite(route) ? [IDEMPOTENCY_KEY] : []),
      ...(spec.takesIfMatch ? [IF_MATCH] : []),
      ...(spec.givesETag && method === 'GET' ? [IF_NONE_MATCH] : []),
      ...(spec.reads ? [POSITION] : []),
    ],
    headers: {
      'X-Request-ID': header('Names the request in logs and events; yours, if you sent one'),
      ...(spec.givesETag && { ETag: header('Names the state of the thing') }),
      ...(isWrite(route) && {
        'Idempotency-Replayed': header('`true`: the answer of an earlier request with the same key'),
        'VidWiz-Visible': header('`false`: written, but not all views show it yet'),
        'VidWiz-Position': header('Send it along with a read that must show what was written'),
      }),
      ...(spec.reads && {
        'VidWiz-Visible': header('`false`: not all views show yet what lies at the VidWiz-Position that you sent'),
      }),
    },
    refusals: refusalsOf(route, guard?.refusals ?? {}),
  }
}
