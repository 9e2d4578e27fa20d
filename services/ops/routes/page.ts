import { join } from 'node:path'
import { z } from 'zod'
import { Content } from '#platform/http/content.ts'
import { notFound } from '#platform/http/errors.ts'
import type { Request } from '#platform/http/request.ts'
import { openPageFiles } from '../page-files.ts'
import { route } from '../route.ts'

const files = openPageFiles(join(import.meta.dirname, '..', 'page'))

/** Browsers keep the file, but ask each time whether it has changed. */
const CACHED = ['Cache-Control', 'no-cache']

async function file({ request }: { request: Request }): Promise<Content> {
  const found = files.find(request.path)
  if (!found) throw notFound()
  request.etag = found.etag
  return new Content(found.type, found.body, CACHED)
}

/** The page's files contain nothing that is not in the repository, so anybody may load them. */
const declared = { may: 'anyone', answers: { 200: z.unknown() } } as const

export const pageRoutes = [
  route('GET', '/', declared, file),
  route('GET', '/page/*path', declared, file),
  route('GET', '/lib/*path', declared, file),
]
