import { Writable } from 'node:stream'
import { pino } from 'pino'
import { catalog, deciders } from '#events/catalog.ts'
import { topics } from '#events/topics.ts'
import { readSettings, type Settings } from '#platform/config/settings.ts'
import { serve } from '#platform/http/server.ts'
import { sharedCounts } from '#platform/limits/counts.ts'
import { countInPostgres } from '#platform/limits/postgres.ts'
import { type Execute, executor } from '#platform/log/commands/executor.ts'
import type { Reader } from '#platform/log/port.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { type Metrics, openMetrics } from '#platform/telemetry/metrics.ts'
import { startProjector } from '#projections/engine/projector.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { openWaiter } from '#projections/engine/wait.ts'
import { views } from '#projections/index.ts'
import type { Look } from '#services/operations/look.ts'
import { openLooking } from '#services/operations/looking.ts'
import { openSampler, type Sampler } from '#services/operations/sampler.ts'
import { accessOf } from '#services/ops/access.ts'
import { createApp } from '#services/ops/app.ts'
import { attemptsOf } from '#services/ops/attempts.ts'
import { keptSessions } from '#services/ops/kept-sessions.ts'
import { endReplays } from '#services/ops/replaying.ts'
import { type Answer, client } from './client.ts'
import { testLog, testReader } from './log.ts'
import { freshDatabase, type TestDatabase } from './postgres.ts'

/** A client of the page's server, with a token or anonymous. */
export interface OpsClient {
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  del(path: string, headers?: Record<string, string>): Promise<Answer>
}

/** The page's server in this process, on its own database whose views are kept up to date. */
export interface Ops {
  url: string
  databaseUrl: string
  db: Db
  listener: Listener
  reader: Reader
  execute: Execute
  settings: Settings
  nobody: OpsClient
  viewer: OpsClient
  operator: OpsClient
  /** A client with another token. */
  as(token: string): OpsClient
  /** Resolves when the views contain everything appended so far. */
  settled(): Promise<void>
  /** Log lines of the server. */
  lines: string[]
  metrics: Metrics
  sampler: Sampler
  port: number
  stop(): Promise<void>
}

export const OPS_PASSWORD = 'a password that only tests use'
export const VIEWER = 'a-viewers-token-for-tests'
export const OPERATOR = 'an-operators-token-for-tests'

export interface OpsOptions {
  /** Additional settings. */
  env?: Record<string, string>
  /** Replaces the sampler's look at the system. */
  look?: (db: Db) => Promise<Look>
  /** Pause between two looks, in milliseconds. */
  everyMs?: number
  /** False: the views exist, but no projector runs. */
  isProjecting?: boolean
  /** True: the server's connections are read-only. */
  isReadOnly?: boolean
  /** Wraps the server's database, for example to count statements. */
  through?: (db: Db) => Db
  /** Limits wrong secrets, as the service does. */
  isLimited?: boolean
  /** Saves sessions, as the service does. */
  isKept?: boolean
  /** Port to listen on; default: any free one. */
  port?: number
  /** Database to use; default: a new, migrated one. */
  database?: TestDatabase
}

export async function startOps(options: OpsOptions = {}): Promise<Ops> {
  const { isProjecting = true, everyMs } = options
  const database = options.database ?? (await freshDatabase())
  const log = await testLog(database.url)
  const db = openDb(database.url)
  const listener = openListener(database.url)
  const reader = await testReader(database.url, db, listener)
  await setupViews(views, { db, reader })
  const projector = isProjecting ? startProjector({ db, reader, views }) : undefined
  const waiter = openWaiter(db, listener, views)
  const { execute, idle } = executor({ appender: appender(db), catalog, deciders, topics })
  const env = {
    DB_URL: database.url,
    ...log.env,
    OPS_PASSWORD,
    OPS_TOKENS: `vera:viewer:${VIEWER},otto:operator:${OPERATOR}`,
    ...options.env,
  }
  const settings = readSettings(env)
  const own = options.isReadOnly ? openDb(readOnly(database.url)) : db
  const served = options.through?.(own) ?? own
  const { look } = options
  const sampler = openSampler(look ? () => look(served) : openLooking({ db: served, reader, settings }), everyMs)
  const lines: string[] = []
  const logger = pino({}, new Writable({ write: (line, _, done) => done(void lines.push(String(line))) }))
  const metrics = openMetrics()
  const keeper = options.isKept ? keptSessions(db, logger) : undefined
  const counts = options.isLimited ? sharedCounts({ exchange: countInPostgres(db), log: logger }) : undefined
  const handler = createApp({
    settings,
    env: { ...process.env, ...env },
    db: served,
    listener,
    reader,
    execute,
    sampler,
    access: accessOf(settings, keeper && { kept: await keeper.read(), keeper }),
    attempts: counts && attemptsOf(counts),
    log: logger,
    metrics,
  })
  const server = await serve(handler, { port: options.port ?? 0, host: '127.0.0.1', lingerMs: 20, finishMs: 2_000 })
  const url = `http://127.0.0.1:${server.port}`
  const as = (token?: string): OpsClient => {
    const { call } = client(url, token)
    return {
      get: (path, headers) => call('GET', path, undefined, headers),
      post: (path, body, headers) => call('POST', path, body ?? {}, headers),
      del: (path, headers) => call('DELETE', path, undefined, headers),
    }
  }
  return {
    url,
    databaseUrl: database.url,
    db,
    listener,
    reader,
    execute,
    settings,
    nobody: as(),
    viewer: as(VIEWER),
    operator: as(OPERATOR),
    as,
    async settled() {
      await log.settled(db)
      const places = await db.query<{ topic: string; partition: number; pos: number }>(
        'test.places',
        'select topic, partition, max(pos) as pos from log.events group by 1, 2',
      )
      const names = views.map(({ name }) => name)
      if (!(await waiter.visible(names, places, 15_000))) throw new Error('the views do not show everything')
    },
    lines,
    metrics,
    sampler,
    port: server.port,
    async stop() {
      sampler.close()
      await server.close()
      await endReplays()
      await keeper?.idle()
      await counts?.close()
      if (own !== db) await own.close()
      await projector?.stop()
      await idle()
      waiter.close()
      await reader.close()
      await listener.close()
      await db.close()
      await log.close()
      if (!options.database) await database.drop()
    },
  }
}

/** Makes every writing statement fail. */
function readOnly(url: string): string {
  const closed = new URL(url)
  closed.searchParams.set('options', '-c timezone=UTC -c default_transaction_read_only=on')
  return closed.href
}
