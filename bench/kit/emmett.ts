import { CommandHandler, type StoredEvent } from '@event-driven-io/emmett'
import {
  type EventStore,
  getPostgreSQLEventStore,
  pongoSingleStreamProjection,
  rebuildPostgreSQLProjections,
} from '@event-driven-io/emmett-postgresql'
import pg from 'pg'
import type { NewEvent } from '../../events/kit/envelope.ts'

/** emmett, used as in its documentation. */
export interface Emmett {
  /** emmett's command handler: reads the stream, decides, appends. */
  handle(stream: string, decide: () => NewEvent[]): Promise<unknown>
  append(stream: string, events: NewEvent[]): Promise<unknown>
  close(): Promise<void>
}

/**
 * @param poolSize default: emmett's own
 */
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

/** The notes view as an emmett single-stream projection. */
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
 * emmett's rebuild of the projection, from the first to the last event.
 * @param name must be new: a second rebuild under the same name empties the table, but continues from the end of the first one
 * @param pulling how it reads; default: emmett's own
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
