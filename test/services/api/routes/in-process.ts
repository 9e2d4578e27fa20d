import { Writable } from 'node:stream'
import { pino } from 'pino'
import { catalog, deciders } from '#events/catalog.ts'
import { topics } from '#events/topics.ts'
import { serve } from '#platform/http/serve.ts'
import { type Execute, executor } from '#platform/log/executor.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { postgresReader } from '#platform/log/postgres/reader.ts'
import { openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { startProjector } from '#projections/engine/projector.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { openWaiter } from '#projections/engine/wait.ts'
import { views } from '#projections/index.ts'
import { createApp } from '#services/api/app.ts'
import { freshDatabase } from '#test/kit/postgres.ts'

/** The API with all that it works with in this process, so that tests can look inside. */
export interface InProcess {
  url: string
  db: Db
  execute: Execute
  /** What it logged. */
  lines: string[]
  stop(): Promise<void>
}

/** @param isProjecting false: the views are there, but nobody brings them up to date */
export async function startInProcess({ isProjecting = true } = {}): Promise<InProcess> {
  const database = await freshDatabase()
  const db = openDb(database.url)
  const listener = openListener(database.url)
  const reader = postgresReader(db, listener)
  await setupViews(views, { db, reader })
  const projector = isProjecting ? startProjector({ db, reader, views }) : undefined
  const waiter = openWaiter(db, listener, views)
  const { execute, idle } = executor({ appender: appender(db), catalog, deciders, topics })
  const lines: string[] = []
  const log = pino({}, new Writable({ write: (line, _, done) => done(void lines.push(String(line))) }))
  const { handler } = createApp({
    execute,
    // Nobody shall wait for a view that will never come.
    visible: (names, places) => waiter.visible(names, places, isProjecting ? undefined : 1),
    db,
    log,
    secretKey: 'a secret key that only tests use',
    jwtExpiryHours: 24,
    checkAnswers: true,
  })
  const server = await serve(handler, { port: 0, host: '127.0.0.1' })
  return {
    url: `http://127.0.0.1:${server.port}`,
    db,
    execute,
    lines,
    async stop() {
      await server.close()
      await projector?.stop()
      await idle()
      waiter.close()
      await reader.close()
      await listener.close()
      await db.close()
      await database.drop()
    },
  }
}
