import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect } from 'chai'
import { openApi } from '#services/api/openapi/document.ts'
import { routes } from '#services/api/routes/index.ts'
import type { RawAnswer } from '#test/platform/http/raw.ts'

const document = closed(openApi()) as { paths: Record<string, Record<string, Operation>> }

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }>; headers?: Record<string, object> }>
}

const ajv = new Ajv2020({ strict: false, validateFormats: false }).addSchema({ $id: 'api', ...document })

const known = routes.map(({ method, path }) => ({
  method,
  path: path.replace(/:(\w+)/g, '{$1}'),
  pattern: new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`),
}))

/** Fails when a route gave an answer that the description of the API does not have: its status, its type or its body. */
export function isDescribed(method: string, target: string, answer: RawAnswer): void {
  const path = target.replace(/\?.*/s, '')
  const route = known.find((one) => one.method === method && one.pattern.test(path))
  // A path that only looks like one, and what goes wrong before a route is found, are of the HTTP layer.
  if (!route || (answer.status === 404 && answer.body === '{"detail":"Not Found"}')) return
  const what = `${method} ${route.path} ${answer.status} ${answer.body.slice(0, 500)}`
  const described = document.paths[route.path]![method.toLowerCase()]!.responses[answer.status]
  expect(described, `not described: ${what}`).to.be.an('object')
  if (answer.status === 200 || answer.status === 201)
    expect(answer.header('etag') !== undefined, `ETag of ${what}`).to.equal('ETag' in described!.headers!)
  const type = answer.header('content-type')?.replace(/;.*/, '')
  if (!described!.content) return void expect(answer.body, what).to.equal('')
  expect(described!.content, what).to.have.property(type ?? 'none')
  if (type !== 'application/json') return
  const pointer = ['paths', route.path, method.toLowerCase(), 'responses', answer.status, 'content', type, 'schema']
  const check = ajv.getSchema(
    `api#/${pointer.map((key) => encodeURIComponent(String(key).replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`,
  )!
  expect(check(JSON.parse(answer.body)), `${what} ${JSON.stringify(check.errors)}`).to.equal(true)
}

/** No object has fields that are not described. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed)
  if (typeof value !== 'object' || value === null) return value
  const inner = Object.fromEntries(Object.entries(value).map(([key, of]) => [key, closed(of)]))
  return inner.type === 'object' && inner.properties ? { additionalProperties: false, ...inner } : inner
}
