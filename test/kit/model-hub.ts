import { createHash } from 'node:crypto'
import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export interface ModelHub {
  url: string
  /** Requests so far: method and path. */
  asked: string[]
  /** Whether to cut the connection in the middle of each large file. */
  isBroken: boolean
  close(): Promise<void>
}

const COMMIT = 'a'.repeat(40)
const LARGE = 100_000

/** A local Hugging Face that serves the files of a folder as any model. */
export async function modelHub(folder: string): Promise<ModelHub> {
  const files = readdirSync(folder)
  const hub = { asked: [] as string[], isBroken: false }
  const server = createServer((req, res) => {
    const path = new URL(req.url!, 'http://hub').pathname
    hub.asked.push(`${req.method} ${path}`)
    const told = (body: unknown) => res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (/^\/api\/models\/[^/]+\/[^/]+\/revision\/\w+$/.test(path))
      return told({ id: 'any', sha: COMMIT, siblings: files.map((rfilename) => ({ rfilename })) })
    if (/^\/api\/models\/[^/]+\/[^/]+\/tree\/\w+$/.test(path))
      return told(files.map((path) => ({ type: 'file', path, oid: path, size: statSync(join(folder, path)).size })))
    const name = /\/resolve\/\w+\/([\w.]+)$/.exec(path)?.[1]
    if (!name || !files.includes(name)) return res.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end()
    const file = join(folder, name)
    const { size } = statSync(file)
    const from = Number(/^bytes=(\d+)-/.exec(req.headers.range ?? '')?.[1] ?? 0)
    res.writeHead(from > 0 ? 206 : 200, {
      etag: `"${createHash('sha256').update(readFileSync(file)).digest('hex')}"`,
      'x-repo-commit': COMMIT,
      'accept-ranges': 'bytes',
      'content-length': size - from,
      ...(from > 0 && { 'content-range': `bytes ${from}-${size - 1}/${size}` }),
    })
    if (req.method === 'HEAD') return res.end()
    const isCut = hub.isBroken && size > LARGE
    const stream = createReadStream(file, { start: from, ...(isCut && { end: from + LARGE / 2 }) })
    if (!isCut) return stream.pipe(res)
    stream.on('end', () => res.destroy()).pipe(res, { end: false })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(hub, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}
