import { availableParallelism } from 'node:os'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { NoteCreated, NoteDeleted, NoteEdited } from '../events/note.ts'
import { postgresReader } from '../platform/log/postgres/reader.ts'
import { openListener } from '../platform/pg/listen.ts'
import { type Db, openDb } from '../platform/pg/pool.ts'
import { setupViews } from '../projections/engine/setup.ts'
import { columnDefinitions } from '../projections/engine/table.ts'
import { notesView } from '../projections/notes.ts'
import { freshDatabase } from '../test/kit/postgres.ts'
import { result } from './kit/child.ts'
import { openEmmett, rebuildEmmett } from './kit/emmett.ts'
import { atLeast, atMost, type Benchmark, type Figure } from './kit/figure.ts'
import { inTurn, median, timed } from './kit/measure.ts'
import { postgresMs } from './kit/processors.ts'
import type { RebuildReport } from './kit/rebuild-process.ts'
import { seedNotes, setMilestones } from './kit/seed.ts'

const MB = 2 ** 20
const COPY = 'COPY of the same rows'

/**
 * Rebuilds of the notes view from two lengths of log in a separate process, compared with only the COPY of the resulting rows, with a
 * rebuild in two threads, and with emmett's rebuild of the same view from fewer events.
 */
export const rebuild: Benchmark = {
  name: 'rebuild',
  async run({ quick }) {
    const [rounds, small, large, few] = quick ? [2, 20_000, 100_000, 1_800] : [3, 100_000, 1_000_000, 9_000]
    const short = await atLength(small, rounds)
    const long = await atLength(large, rounds)
    const peer = await emmettAt(few, quick ? 1 : 2)
    const rate = { value: long.perSecond, unit: 'events/s' }
    const count = (n: number) => n.toLocaleString('en')
    const memory = (events: number, bytes: number): Figure => ({
      name: `peak memory, ${count(events)} events`,
      value: bytes / MB,
      unit: 'MB',
      target: atMost(300),
    })
    return [
      { name: `${count(small)} events`, value: short.perSecond, unit: 'events/s' },
      { ...rate, name: `${count(large)} events`, beside: { what: COPY, value: long.copyPerSecond }, target: atLeast(0.25) },
      {
        name: `${count(large)} events, if its work kept all ${availableParallelism()} processors busy`,
        value: long.perSecondOfAll,
        unit: 'events/s',
        beside: { what: COPY, value: long.copyPerSecond },
      },
      {
        name: `${count(large)} events, two threads`,
        value: long.inTwo.perSecond,
        unit: 'events/s',
        beside: { what: 'one thread', value: long.perSecond },
      },
      { ...rate, name: `${count(large)} events, peer`, beside: peer, target: atLeast(50) },
      memory(small, short.peakBytes),
      memory(large, long.peakBytes),
      { name: `peak memory, ${count(large)} events, two threads`, value: long.inTwo.peakBytes / MB, unit: 'MB' },
    ]
  },
}

interface Rebuilt extends RebuildReport {
  /** Time of processors that the process and Postgres used. */
  allCpuMs: number
}

async function atLength(events: number, rounds: number) {
  const database = await freshDatabase()
  const db = openDb(database.url, { name: 'bench rebuild' })
  const listener = openListener(database.url)
  try {
    await setupViews([notesView], { db, reader: postgresReader(db, listener) })
    await seedNotes(db, events)
    await setMilestones(db)
    let rows: Buffer[] | undefined
    const rebuilt = async (threads: number): Promise<Rebuilt> => {
      const before = await postgresMs(db)
      const report = await result<RebuildReport>('rebuild-process.ts', [database.url, 'once', String(threads)])
      return { ...report, allCpuMs: report.cpuMs + (await postgresMs(db)) - before }
    }
    const runs = await inTurn<{ rebuild: Rebuilt; inTwo: Rebuilt; copy: number }>(rounds, {
      rebuild: () => rebuilt(0),
      inTwo: () => rebuilt(2),
      copy: async () => {
        rows ??= await copyOut(db)
        // The disk makes single ones differ by up to 2.5 times.
        const took: number[] = []
        for (let time = 0; time < 5; time++) took.push(await timed(() => copyIn(db, rows!)))
        return median(took)
      },
    })
    const figures = (reports: Rebuilt[]) => ({
      perSecondOfAll: median(reports.map(({ events, allCpuMs }) => (events * 1000 * availableParallelism()) / allCpuMs)),
      perSecond: median(reports.map(({ events, tookMs }) => (events * 1000) / tookMs)),
      peakBytes: Math.max(...reports.map(({ peakBytes }) => peakBytes)),
    })
    return {
      ...figures(runs.rebuild),
      inTwo: figures(runs.inTwo),
      copyPerSecond: (events * 1000) / median(runs.copy),
    }
  } finally {
    await listener.close()
    await db.close()
    await database.drop()
  }
}

/** The view's rows in COPY format. */
const copyOut = (db: Db) =>
  db.connection(async (client) => {
    const chunks: Buffer[] = []
    for await (const chunk of client.query(copyTo('copy views.notes to stdout'))) chunks.push(chunk)
    return chunks
  })

/** Into a table made in the same transaction, as in a rebuild. */
const copyIn = (db: Db, rows: Buffer[]) =>
  db.tx(async (client) => {
    await client.query('drop table if exists public.copied')
    await client.query(`create table public.copied (${columnDefinitions(notesView)})`)
    await pipeline(Readable.from(rows), client.query(copyFrom('copy public.copied from stdin')))
  })

/** emmett's speed, with its default settings or with larger batches and no pauses, whichever is faster. */
async function emmettAt(events: number, rounds: number) {
  const database = await freshDatabase()
  const db = openDb(database.url, { name: 'bench rebuild, peer' })
  let name = 0
  const rebuilding = (pulling?: { batchSize: number; pullingFrequencyInMs: number }) => async () => {
    const table = `notes${++name}`
    const tookMs = await timed(() => rebuildEmmett(database.url, table, pulling))
    // emmett's search path begins with the schema of the user's name.
    const [found] = await db.query<{ rows: number }>(table, `select count(*) as rows from vidwiz.${table}`)
    if (found!.rows !== rowsOf(events)) throw new Error(`emmett rebuilt ${found!.rows} rows of ${rowsOf(events)}`)
    return tookMs
  }
  try {
    await seedEmmett(database.url, events)
    const runs = await inTurn(rounds, {
      emmett: rebuilding(),
      'emmett, batches of 1000': rebuilding({ batchSize: 1_000, pullingFrequencyInMs: 0 }),
    })
    const rates = Object.entries(runs).map(([what, took]) => ({ what, value: (events * 1000) / median(took) }))
    return rates.reduce((best, one) => (one.value > best.value ? one : best))
  } finally {
    await db.close()
    await database.drop()
  }
}

/** Every 18 events of 6 notes leave 5 rows. */
const rowsOf = (events: number) => Math.floor((events * 5) / 18)

async function seedEmmett(url: string, events: number) {
  const emmett = await openEmmett(url)
  for (let noteId = 1; noteId * 3 <= events; noteId++) {
    const note = { noteId, videoId: `video${String(noteId % 500).padStart(6, '0')}`, userId: 1 + (noteId % 100) }
    const text = `Note ${noteId}: what was said here is worth remembering.`
    const created = NoteCreated({ ...note, timestamp: '12:34', text })
    const edited = NoteEdited({ ...note, text: 'Said better on second thought.' })
    await emmett.append(`note-${noteId}`, [created, edited, noteId % 6 === 0 ? NoteDeleted(note) : edited])
  }
  await emmett.close()
}
