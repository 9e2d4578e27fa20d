import { readSettings } from '../platform/config/settings.ts'
import { postgresReader } from '../platform/log/postgres/reader.ts'
import { openListener } from '../platform/pg/listen.ts'
import { openDb } from '../platform/pg/pool.ts'
import { setupViews } from '../projections/engine/setup.ts'
import { views } from '../projections/index.ts'
import { tell } from '../services/operations/story/tell.ts'
import { freshDatabase } from '../test/kit/postgres.ts'
import { atMost, type Benchmark, type Figure } from './kit/figure.ts'
import { type Sought, seedLongLog } from './kit/long-log.ts'
import { percentile, timed } from './kit/measure.ts'

const EVENTS = 10_000_000
const LOOKUPS = 100
/** Target for the p95 of a lookup as on the page. */
const TARGET_MS = 200

/** Looking up a story by each kind of key, in a log of ten million events (ten gigabytes of disk, a quarter of an hour). */
export const story: Benchmark = {
  name: 'story',
  async run({ quick }) {
    const database = await freshDatabase()
    try {
      const db = openDb(database.url, { name: 'bench seed', max: 1 })
      const listener = openListener(database.url)
      // Set up the views while the log is empty, so that nothing is folded.
      await setupViews(views, { db, reader: postgresReader(db, listener) })
      await listener.close()
      const sought = await seedLongLog(db, quick ? EVENTS / 10 : EVENTS, LOOKUPS)
      await db.close()
      return await lookUp(database.url, sought)
    } finally {
      await database.drop()
    }
  },
}

/** Looks up each key in turn, so that all kinds benefit equally from caches. */
export async function lookUp(url: string, sought: readonly Sought[]): Promise<Figure[]> {
  const db = openDb(url, { name: 'bench story', max: 4, indexed: true })
  const listener = openListener(url, { name: 'bench story' })
  const reader = postgresReader(db, listener)
  const settings = readSettings({ DB_URL: url })
  const kinds = ['stream', 'event', 'request', 'trace', 'message'] as const
  const tookMs = Object.fromEntries(kinds.map((kind) => [kind, [] as number[]]))
  try {
    for (const one of sought)
      for (const kind of kinds)
        tookMs[kind]!.push(
          await timed(async () => {
            const { roots } = await tell({ db, reader, settings }, one[kind])
            if (roots.length === 0) throw new Error(`no story of ${one[kind]}`)
          }),
        )
    return kinds.flatMap((kind) => [
      { name: `by ${kind}, p95`, value: percentile(tookMs[kind]!, 0.95), unit: 'ms', target: atMost(TARGET_MS) },
      { name: `by ${kind}, median`, value: percentile(tookMs[kind]!, 0.5), unit: 'ms' },
    ])
  } finally {
    await reader.close()
    await listener.close()
    await db.close()
  }
}
