import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino, stdSerializers } from 'pino'
import { catalog, deciders } from '#events/catalog.ts'
import { type TaskPolicy, usualPolicy } from '#events/task.ts'
import { topics } from '#events/topics.ts'
import { serve } from '#platform/http/server.ts'
import { type Execute, executor } from '#platform/log/commands/executor.ts'
import { lagOf } from '#platform/log/consumers/lag.ts'
import { appender } from '#platform/log/postgres/appender.ts'
import { folderObjects } from '#platform/objects/folder.ts'
import type { Objects } from '#platform/objects/open.ts'
import type { Bounds } from '#platform/pg/bounds.ts'
import { openExclusively } from '#platform/pg/exclusively.ts'
import { openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import type { Search } from '#platform/youtube/search.ts'
import { type Changes, openChanges } from '#projections/engine/changes.ts'
import { setupViews } from '#projections/engine/setup.ts'
import { openWaiter } from '#projections/engine/wait.ts'
import { views } from '#projections/index.ts'
import { createApp } from '#services/api/app.ts'
import type { ReadCredential } from '#services/api/auth/google.ts'
import { titleFinder } from '#services/api/by-title.ts'
import type { ReadinessOptions } from '#services/api/readiness.ts'
import { type MediaOptions, USUAL_MEDIA } from '#services/api/study.ts'
import type { WizOptions } from '#services/api/wiz/wiz.ts'
import { testLog, testReader } from '#test/kit/log.ts'
import { freshDatabase, type TestDatabase } from '#test/kit/postgres.ts'
import { startProjecting } from '#test/kit/projecting.ts'

export const ADMIN_TOKEN = 'an admin token that only tests use'

/** The API with all that it works with in this process, so that tests can look inside. */
export interface InProcess {
  url: string
  databaseUrl: string
  db: Db
  changes: Changes
  execute: Execute
  objects: Objects
  /** Where objects lie. */
  objectsFolder: string
  /** What it logged. */
  lines: string[]
  stop(): Promise<void>
}

export interface InProcessOptions {
  /** False: the views are there, but nobody brings them up to date. */
  isProjecting?: boolean
  readiness?: ReadinessOptions
  describesItself?: boolean
  taskPolicy?: TaskPolicy
  readGoogleCredential?: ReadCredential
  wiz?: WizOptions
  search?: Search
  media?: MediaOptions
  /** Works with the database and the objects of this one, as another process would; it stops first. */
  beside?: InProcess
  /** A migrated one, which it removes when it stops; one of its own if not given. */
  database?: TestDatabase
  /** Where objects lie; in a folder of its own if not given. */
  objects?: Objects
  /** How long the database may take. */
  bounds?: Bounds
  /** What to reach the database through: the API alone, while the projector goes straight. */
  through?: (url: string) => Promise<string>
}

export async function startInProcess({
  isProjecting = true,
  readiness = {},
  describesItself = false,
  taskPolicy = usualPolicy,
  readGoogleCredential,
  wiz: wizOptions = {},
  search,
  media = USUAL_MEDIA,
  beside,
  database: own,
  objects: given,
  bounds,
  through,
}: InProcessOptions = {}): Promise<InProcess> {
  const database = beside ? { url: beside.databaseUrl, drop: async () => {} } : (own ?? (await freshDatabase()))
  const lines: string[] = []
  const log = pino(
    { serializers: { error: stdSerializers.err } },
    new Writable({ write: (line, _, done) => done(void lines.push(String(line))) }),
  )
  const db = openDb((await through?.(database.url)) ?? database.url, { bounds, log })
  const direct = through ? openDb(database.url) : db
  const alone = openExclusively(database.url, { name: 'test, alone' })
  const listener = openListener(database.url)
  const eventLog = beside ? undefined : await testLog(database.url)
  const reader = await testReader(database.url, direct, listener)
  if (!beside) await setupViews(views, { db: direct, reader })
  const projector = isProjecting && !beside ? await startProjecting({ db: direct, reader, views }) : undefined
  const waiter = openWaiter(db, listener, views)
  const changes = openChanges(listener)
  const { execute, idle } = executor({ appender: appender(db), catalog, deciders, topics })
  const folder = beside?.objectsFolder ?? mkdtempSync(join(tmpdir(), 'vidwiz-objects-'))
  const objects = given ?? folderObjects(folder)
  const { handler, wiz } = createApp({
    execute,
    // Nobody shall wait for a view that will never come.
    waiter: { ...waiter, visible: (names, places) => waiter.visible(names, places, isProjecting ? undefined : 1) },
    db,
    exclusively: alone.exclusively,
    changes,
    readiness,
    log,
    secretKey: 'a secret key that only tests use',
    adminToken: ADMIN_TOKEN,
    taskPolicy,
    readGoogleCredential,
    findByTitle: search && titleFinder({ search, log }),
    objects,
    wiz: wizOptions,
    media,
    jwtExpiryHours: 24,
    lag: async () => (await Promise.all(views.map((view) => lagOf(view, { db, reader })))).flat(),
    describesItself,
    checkAnswers: true,
  })
  const server = await serve(handler, { port: 0, host: '127.0.0.1' })
  return {
    url: `http://127.0.0.1:${server.port}`,
    databaseUrl: database.url,
    db,
    changes,
    execute,
    objects,
    objectsFolder: folder,
    lines,
    async stop() {
      wiz.replies?.stop(0)
      await server.close()
      await wiz.replies?.idle()
      await projector?.stop()
      await idle()
      waiter.close()
      changes.close()
      await reader.close()
      await listener.close()
      await alone.close()
      await db.close()
      if (direct !== db) await direct.close()
      await eventLog?.close()
      await database.drop()
      if (!beside) rmSync(folder, { recursive: true })
    },
  }
}
