import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openDb } from '../../platform/pg/pool.ts'

/** The minimum of a route: one prepared statement, and a fixed answer. */
export interface Bare {
  databaseUrl: string
  text: string
  values: unknown[]
  status: number
  answer: string
}

// Also when the benchmark fails.
process.once('disconnect', () => process.exit())
process.once('message', ({ databaseUrl, text, values, status, answer }: Bare) => {
  const db = openDb(databaseUrl, { name: 'bench bare' })
  const server = createServer(async (req, res) => {
    req.resume()
    await db.query('bare', text, values)
    res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) })
    res.end(answer)
  })
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
})
