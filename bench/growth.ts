import { catalog, deciders } from '../events/catalog.ts'
import { createNote } from '../events/note.ts'
import { topics } from '../events/topics.ts'
import { readSettings } from '../platform/config/settings.ts'
import { executor } from '../platform/log/commands/executor.ts'
import { appender } from '../platform/log/postgres/appender.ts'
import { postgresReader } from '../platform/log/postgres/reader.ts'
import { type Listener, openListener } from '../platform/pg/listen.ts'
import { type Db, openDb } from '../platform/pg/pool.ts'
import { rebuild } from '../projections/engine/rebuild.ts'
import { setupViews } from '../projections/engine/setup.ts'
import { openWaiter, type Waiter } from '../projections/engine/wait.ts'
import { views } from '../projections/index.ts'
import { notesOf } from '../projections/notes.ts'
import { userVideosView } from '../projections/user-videos.ts'
import { openLooking } from '../services/operations/looking.ts'
import { freshDatabase, type TestDatabase } from '../test/kit/postgres.ts'
import { type Stack, startStack } from '../test/kit/stack.ts'
import { result } from './kit/child.ts'
import type { Benchmark, LogSize } from './kit/figure.ts'
import { type Grown, nameOf } from './kit/growth-report.ts'
import { median, timed } from './kit/measure.ts'
import type { RebuildReport } from './kit/rebuild-process.ts'
import { EVENTS_PER_STREAM, seedNotes, seedStreams, setMilestones } from './kit/seed.ts'

/**
 * What each cost becomes while the embedded log grows, in a database that grows from length to length; then the same at one length
 * with few and with many streams. The measuring itself appends some 13,000 events at each length, at its end.
 */
export const growth: Benchmark = {
  name: 'growth',
  isLong: true,
  async run({ quick }) {
    const lengths = quick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000, 10_000_000]
    const [events, ...streams] = quick ? [100_000, 1_000, 100_000] : [1_000_000, 1_000, 1_000_000]
    const figures: Grown[] = []
    try {
      await withLog(async (log) => {
        for (const events of lengths)
          figures.push(
            ...(await atSize(log, { events, streams: Math.round(events / EVENTS_PER_STREAM) }, (db) => seedNotes(db, events))),
          )
      })
      for (const count of streams)
        await withLog(async (log) => {
          figures.push(...(await atSize(log, { events: events!, streams: count }, (db) => seedStreams(db, events!, count))))
        })
    } catch (error) {
      // The shorter lengths took long: keep them.
      if (figures.length === 0) throw error
      console.error(error)
      process.exitCode = 1
    }
    return figures
  },
}

/** What is open during the whole benchmark on one database. */
interface Log {
  database: TestDatabase
  /** As of a service, whose statements use indexes. */
  db: Db
  /** As of a rebuild. */
  plain: Db
  listener: Listener
  waiter: Waiter
  create: ReturnType<typeof creating>
}

async function withLog(work: (log: Log) => Promise<void>) {
  const database = await freshDatabase()
  const db = openDb(database.url, { name: 'bench growth', indexed: true })
  const plain = openDb(database.url, { name: 'bench growth, rebuild', max: 4 })
  const listener = openListener(database.url)
  const waiter = openWaiter(db, listener, views)
  try {
    await listener.ready()
    await setupViews(views, { db: plain, reader: postgresReader(plain, listener) })
    await work({ database, db, plain, listener, waiter, create: creating(db) })
  } finally {
    waiter.close()
    await listener.close()
    await plain.close()
    await db.close()
    await database.drop()
  }
}

/** Creates notes as the API does. */
function creating(db: Db) {
  const { execute } = executor({ appender: appender(db), catalog, deciders, topics })
  return (n: number, note: { userId?: number; videoId?: string } = {}) =>
    execute(
      createNote({
        userId: 1 + (n % 100),
        videoId: `growth${String(n % 500).padStart(5, '0')}`,
        timestamp: '12:34',
        text: `Note ${n}: what was said here is worth remembering.`,
        ...note,
      }),
      { actor: null, correlationId: crypto.randomUUID() },
    )
}

/** A page whose length does not grow with the log; others have notes on its video. */
const PAGE = { userId: 1_000_001, videoId: 'video000007' }
const PAGE_NOTES = 20

async function atSize(log: Log, size: LogSize, seed: (db: Db) => Promise<void>): Promise<Grown[]> {
  const { database, db, plain, listener } = log
  const figures: Grown[] = []
  const figure = (name: string, value: number, unit: string) => {
    console.error(`  ${nameOf(size)}: ${name}: ${Number(value.toPrecision(3))} ${unit}`)
    figures.push({ name, log: size, value, unit })
  }
  const seedMs = await timed(async () => {
    await seed(plain)
    await setMilestones(plain)
  })
  const shown = await notesOf(db, PAGE.userId, PAGE.videoId)
  for (let n = shown.length; n < PAGE_NOTES; n++) await log.create(n, PAGE)

  const rebuilds: RebuildReport[] = []
  const rounds = size.events > 1_000_000 ? 1 : 3
  for (let i = 0; i < rounds; i++) rebuilds.push(await result<RebuildReport>('rebuild-process.ts', [database.url]))
  await rebuild(userVideosView, { db: plain, reader: postgresReader(plain, listener) })
  await plain.query('bench.vacuumViews', 'vacuum analyze')
  const [bytes] = await db.query<{ bytes: number }>('bench.bytes', 'select pg_database_size(current_database()) as bytes')
  console.error(`  ${nameOf(size)}: seeded in ${Math.round(seedMs / 1_000)} s, ${Math.round(bytes!.bytes / 2 ** 20)} MB`)

  figure('rebuild', median(rebuilds.map(({ tookMs, events }) => (tookMs * 1_000) / events)), 'µs per event')
  figure('rebuild, peak memory', Math.max(...rebuilds.map(({ peakBytes }) => peakBytes)) / 2 ** 20, 'MB')
  figure('first page of notes', await medianMs(300, () => page(db)), 'ms')
  figure('a look at lag', await medianMs(20, () => look(db, listener)), 'ms')

  const { stack, startMs } = await started(log)
  try {
    figure('start of a projector', startMs, 'ms')
    const { commitMs, wakeMs } = await written(log)
    figure('commit to view', wakeMs, 'ms')
    figure('append, 1 caller', commitMs, 'ms')
    // Beside a projector, as when it runs.
    figure('start of an API', await apiStart(database), 'ms')
  } finally {
    await stack.stop()
  }
  figure('append, 64 callers', await appended(log), 'µs per command')
  return figures
}

async function medianMs(times: number, work: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < times / 10; i++) await work()
  const tookMs: number[] = []
  for (let i = 0; i < times; i++) tookMs.push(await timed(work))
  return median(tookMs)
}

async function page(db: Db) {
  const rows = await notesOf(db, PAGE.userId, PAGE.videoId)
  if (rows.length !== PAGE_NOTES) throw new Error(`the page has ${rows.length} notes`)
}

/** As `npx vidwiz lag`: nothing is known from an earlier look. */
async function look(db: Db, listener: Listener) {
  const seen = await openLooking({ db, reader: postgresReader(db, listener), settings: readSettings() })()
  if (!seen.consumers.value) throw new Error(seen.verdict)
}

/** The services of a stack on a database that outlives it. */
const startOn = ({ url }: TestDatabase, part: string) =>
  startStack({}, { database: { url, drop: async () => {} }, parts: [part] })

/** The start of a projector that has nothing to catch up with, and a projector that runs. */
async function started({ database, waiter, create }: Log): Promise<{ stack: Stack; startMs: number }> {
  let stack = await startOn(database, 'projector')
  const { positions } = await create(0)
  if (!(await waiter.visible(SHOWING, positions, 600_000))) throw new Error('the projector did not catch up')
  const tookMs: number[] = []
  for (let i = 0; i < 5; i++) {
    await stack.stop()
    tookMs.push(
      await timed(async () => {
        stack = await startOn(database, 'projector')
      }),
    )
  }
  return { stack, startMs: median(tookMs) }
}

async function apiStart(database: TestDatabase): Promise<number> {
  const tookMs: number[] = []
  for (let i = 0; i < 3; i++) {
    let stack: Stack | undefined
    tookMs.push(
      await timed(async () => {
        stack = await startOn(database, 'api')
      }),
    )
    await stack!.stop()
  }
  return median(tookMs)
}

/** The views that show a note. */
const SHOWING = ['notes', 'user-videos', 'videos']

/** A single caller's time to its commit, and from there until all views show the note. */
async function written({ waiter, create }: Log): Promise<{ commitMs: number; wakeMs: number }> {
  const commits: number[] = []
  const wakes: number[] = []
  for (let n = 0; n < 600; n++) {
    const from = performance.now()
    const { positions } = await create(n)
    const committed = performance.now()
    if (!(await waiter.visible(SHOWING, positions, 10_000))) throw new Error('not visible in time')
    // The first ones add the videos.
    if (n < 500) continue
    commits.push(committed - from)
    wakes.push(performance.now() - committed)
  }
  return { commitMs: median(commits), wakeMs: median(wakes) }
}

/** Microseconds per command while 64 callers append, with no consumer at work. */
async function appended({ create }: Log): Promise<number> {
  const rounds: number[] = []
  for (let round = 0; round < 6; round++) {
    let left = 2_000
    const caller = async () => {
      while (left-- > 0) await create(left)
    }
    const tookMs = await timed(() => Promise.all(Array.from({ length: 64 }, caller)))
    if (round > 0) rounds.push((tookMs * 1_000) / 2_000)
  }
  return median(rounds)
}
