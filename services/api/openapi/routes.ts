import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { Content, content } from '#platform/http/content.ts'
import { JsonText } from '#platform/http/json.ts'
import { routesOf } from '#platform/http/route.ts'
import type { App } from '../deps.ts'
import type { Tools } from '../tools.ts'
import { openApi } from './document.ts'

/** For the pages of the docs, which are not in the document themselves. */
const route = routesOf<App, Tools>()

const HTML = 'text/html; charset=utf-8'
const CSS = 'text/css; charset=utf-8'
const JS = 'text/javascript; charset=utf-8'

/** No content from other origins, no inline script or style, no framing. */
const ONLY_OURS = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
const PAGE_HEADERS = ['Content-Security-Policy', ONLY_OURS, 'X-Content-Type-Options', 'nosniff']
/** A browser may keep the files, but must revalidate them each time. */
const FILE_HEADERS = ['Cache-Control', 'no-cache', 'X-Content-Type-Options', 'nosniff']

const ours = (name: string) => readFileSync(new URL(`page/${name}`, import.meta.url))
const theirs = (name: string) => readFileSync(new URL(import.meta.resolve(`swagger-ui-dist/${name}`)))

/** Routes that serve the API's description, for programs and for people. Not served in production. */
export function docsRoutes() {
  const json = JSON.stringify(openApi())
  const page = new Content(HTML, ours('index.html'), PAGE_HEADERS)
  const file = (path: string, type: string, body: Buffer) => {
    const served = new Content(type, body, FILE_HEADERS)
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
    return route('GET', path, { answers: { 200: content(type) } }, async ({ request }) => {
      request.etag = etag
      return served
    })
  }
  return [
    route('GET', '/openapi.json', { answers: { 200: z.unknown() } }, async () => new JsonText(json)),
    route('GET', '/docs', { answers: { 200: content(HTML) } }, async () => page),
    route('GET', '/redoc', { answers: { 200: content(HTML) } }, async () => page),
    file('/docs/page.css', CSS, ours('page.css')),
    file('/docs/page.js', JS, ours('page.js')),
    file('/docs/swagger-ui.css', CSS, theirs('swagger-ui.css')),
    file('/docs/swagger-ui.js', JS, theirs('swagger-ui-bundle.js')),
  ]
}
