import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { catalog, deciders } from '../../events/catalog.ts'
import { topics } from '../../events/topics.ts'
import { serve } from '../../platform/http/server.ts'
import { executor } from '../../platform/log/commands/executor.ts'
import { appender } from '../../platform/log/postgres/appender.ts'
import { folderObjects } from '../../platform/objects/folder.ts'
import { openListener } from '../../platform/pg/listen.ts'
import { openDb } from '../../platform/pg/pool.ts'
import { openChanges } from '../../projections/engine/changes.ts'
import { createApp } from '../../services/api/app.ts'

/** A server of event streams in a separate process: the API, or a minimal one. It reports its memory on request. */
export type StreamsMessage = 'memory' | { tell: string }

const [, , kind, databaseUrl] = process.argv

function api(): Promise<number> {
  const db = openDb(databaseUrl!, { indexed: true })
  const listener = openListener(databaseUrl!)
  const { execute } = executor({ appender: appender(db), catalog, deciders, topics })
  const { handler } = createApp({
    execute,
    waiter: {
      visible: async () => true,
      shows: () => true,
      mark: () => ({ changes: 0, incarnation: undefined }),
      holds: () => true,
      recovered: () => undefined,
    },
    db,
    exclusively: (_, work) => work(),
    changes: openChanges(listener),
    log: pino({ level: 'silent' }),
    secretKey: 'a secret key that only benchmarks use',
    adminToken: 'an admin token that only benchmarks use',
    objects: folderObjects('/nonexistent'),
    jwtExpiryHours: 24,
    readiness: { endMs: 3_600_000 },
  })
  return serve(handler, { port: 0, host: '127.0.0.1' }).then(({ port }) => port)
}

/** Answers with a snapshot and keeps the connection; sends messages from the parent to all clients. */
function bare(): Promise<number> {
  const open = new Set<import('node:http').ServerResponse>()
  const server = createServer((_, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write('event: snapshot\ndata: {}\n\n')
    open.add(res)
    res.on('close', () => open.delete(res))
  })
  process.on('message', (message: StreamsMessage) => {
    if (message !== 'memory') for (const res of open) res.write(message.tell)
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}

process.on('message', (message: StreamsMessage) => {
  if (message !== 'memory') return
  for (let i = 0; i < 3; i++) globalThis.gc!()
  const { heapUsed, external } = process.memoryUsage()
  process.send!(heapUsed + external)
})
process.send!(await (kind === 'api' ? api() : bare()))
