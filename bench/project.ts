import { decode } from '../events/kit/codec.ts'
import type { Recorded } from '../events/kit/envelope.ts'
import type { NoteEvent } from '../events/note.ts'
import { notes } from '../events/topics.ts'
import { postgresReader } from '../platform/log/postgres/reader.ts'
import { openListener } from '../platform/pg/listen.ts'
import { type Db, openDb } from '../platform/pg/pool.ts'
import { startProjector } from '../projections/engine/projector.ts'
import { setupViews } from '../projections/engine/setup.ts'
import { openWaiter } from '../projections/engine/wait.ts'
import { notesView } from '../projections/notes.ts'
import { freshDatabase } from '../test/kit/postgres.ts'
import { atLeast, type Benchmark } from './kit/figure.ts'
import { inTurn, medians, timed } from './kit/measure.ts'
import { seedNotes } from './kit/seed.ts'

/** The projector catching up with the notes topic, compared with one transaction per event for row and checkpoint. */
export const project: Benchmark = {
  name: 'project',
  async run({ quick }) {
    const [rounds, events, ms] = quick ? [3, 20_000, 500] : [5, 100_000, 3_000]
    const database = await freshDatabase()
    const db = openDb(database.url, { name: 'bench project', durable: false })
    const durable = openDb(database.url, { name: 'bench project, durable' })
    const listener = openListener(database.url)
    const reader = postgresReader(db, listener)

    const live = async () => {
      await db.query('bench.truncate', 'truncate views.notes')
      await db.query('bench.restart', 'delete from log.checkpoints')
      const waiter = openWaiter(db, listener, [notesView])
      const heads = [...(await reader.heads(notes))].map(([partition, pos]) => ({ topic: notes.name, partition, pos }))
      let projector: ReturnType<typeof startProjector>
      const tookMs = await timed(async () => {
        projector = startProjector({ db, reader, views: [notesView] })
        if (!(await waiter.visible(['notes'], heads, 600_000))) throw new Error('the projector did not catch up')
      })
      await projector!.stop()
      waiter.close()
      return (events * 1000) / tookMs
    }

    try {
      await setupViews([notesView], { db, reader })
      await seedNotes(db, events)
      const after = new Map(Array.from({ length: notes.partitions }, (_, partition) => [partition, 0]))
      const batch = await reader.read({ topic: notes.name, after, limit: 20_000 })
      await durable.connection((client) => client.query(PLAIN_SCHEMA))
      const rates = medians(
        await inTurn(rounds, { live, plain: () => oneByOne(durable, batch, ms), plainRelaxed: () => oneByOne(db, batch, ms) }),
      )
      const live_ = { name: 'live projection', value: rates.live, unit: 'events/s' }
      return [
        { ...live_, beside: { what: 'a transaction per event', value: rates.plain }, target: atLeast(20) },
        {
          ...live_,
          name: 'live projection, relaxed peer',
          beside: { what: 'the same, not waiting for the disk', value: rates.plainRelaxed },
        },
      ]
    } finally {
      await reader.close()
      await listener.close()
      await db.close()
      await durable.close()
      await database.drop()
    }
  },
}

const PLAIN_SCHEMA = `
  create schema plain;
  create table plain.notes (like views.notes including all);
  create table plain.checkpoints (partition int primary key, pos bigint not null);
  insert into plain.checkpoints select n, 0 from generate_series(0, ${notes.partitions - 1}) n`
const CREATE = `
  insert into plain.notes (note_id, video_id, user_id, timestamp, text, generated_by_ai, pinned, created_at, updated_at, version) values ($1, $2, $3, $4, $5, false, false, $6, $6, $7)
  on conflict (note_id) do update set text = excluded.text, updated_at = excluded.updated_at`
const EDIT =
  'update plain.notes set text = coalesce($2, text), generated_by_ai = coalesce($3, generated_by_ai), updated_at = $4, version = $5 where note_id = $1'
const DELETE = 'delete from plain.notes where note_id = $1'
const CHECKPOINT = 'update plain.checkpoints set pos = $2 where partition = $1'

/** Events applied per second, each in its own transaction. */
const oneByOne = (db: Db, batch: Recorded[], ms: number): Promise<number> =>
  db.connection(async (client) => {
    const run = (name: string, text: string, values: unknown[] = []) => client.query({ name: `plain.${name}`, text, values })
    const from = performance.now()
    let done = 0
    for (const recorded of batch) {
      if (performance.now() - from > ms) break
      const event = decode(notesView.catalog, recorded) as NoteEvent
      const at = new Date(event.time).toISOString()
      await run('begin', 'begin')
      if (event.type === 'NoteCreated') {
        const { noteId, videoId, userId, timestamp, text } = event.data
        await run('create', CREATE, [noteId, videoId, userId, timestamp, text, at, event.version])
      } else if (event.type === 'NoteEdited')
        await run('edit', EDIT, [event.data.noteId, event.data.text, event.data.generatedByAi, at, event.version])
      else await run('delete', DELETE, [event.data.noteId])
      await run('checkpoint', CHECKPOINT, [event.partition, event.pos])
      await run('commit', 'commit')
      done++
    }
    return (done * 1000) / (performance.now() - from)
  })
