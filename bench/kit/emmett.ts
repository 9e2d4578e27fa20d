import { CommandHandler, type StoredEvent } from '@event-driven-io/emmett'
import {
  type EventStore,
  getPostgreSQLEventStore,
  pongoSingleStreamProjection,
  rebuildPostgreSQLProjections,
} from '@event-driven-io/emmett-postgresql'
import pg from 'pg'
import type { NewEvent } from '../../events/kit/envelope.ts'

/** The peer, as its documentation would have one use it. */
export interface Emmett {
  /** Its command handler: reads the stream, decides, appends. */
  handle(stream: string, decide: () => NewEvent[]): Promise<unknown>
  append(stream: string, events: NewEvent[]): Promise<unknown>
  close(): Promise<void>
}

/** @param poolSize its default when not given */
export async function openEmmett(url: string, poolSize?: number): Promise<Emmett> {
  const pool = poolSize === undefined ? undefined : new pg.Pool({ connectionString: url, max: poolSize })
  const store: EventStore = getPostgreSQLEventStore(url, pool && { connectionOptions: { pool } })
  await store.schema.migrate()
  const handle = CommandHandler<object>({ initialState: () => ({}), evolve: (_, event) => event.data })
  return {
    handle: (stream, decide) => handle(store, stream, () => decide().map(stored)),
    append: (stream, events) => store.appendToStream(stream, events.map(stored)),
    async close() {
      await store.close()
      if (pool && !pool.ended) await pool.end()
    },
  }
}

const stored = ({ type, data }: NewEvent): StoredEvent => ({ type, data })

type Note = { noteId: number; videoId: string; userId: number; timestamp: string; text: string | null; generatedByAi: boolean }

/** The notes view as one of its single-stream projections. */
const notes = (collectionName: string) =>
  pongoSingleStreamProjection<Note>({
    collectionName,
    canHandle: ['NoteCreated', 'NoteEdited', 'NoteDeleted'],
    evolve(note, { type, data }) {
      if (type === 'NoteCreated') return { ...data, generatedByAi: false }
      if (type === 'NoteDeleted' || !note) return null
      return { ...note, text: data.text ?? note.text, generatedByAi: data.generatedByAi ?? note.generatedByAi }
    },
  })

/**
 * Its rebuild of the projection, from the first event to the last.
 * @param name one that was not rebuilt before: a second rebuild empties the table and then goes on from where the first one ended
 * @param pulling how it reads; its default when not given
 */
export async function rebuildEmmett(
  url: string,
  name: string,
  pulling?: { batchSize: number; pullingFrequencyInMs: number },
): Promise<void> {
  const consumer = rebuildPostgreSQLProjections({ connectionString: url, projections: [notes(name)], pulling })
  await consumer.start()
  await consumer.close()
}
