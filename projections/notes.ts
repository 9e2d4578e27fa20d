import type { Foldable } from '#events/kit/envelope.ts'
import { noCaseFor } from '#events/kit/stream.ts'
import { NoteCreated, type NoteEvent, noteEvents } from '#events/note.ts'
import { isoTime } from './engine/iso-time.ts'
import { columnsOf, gone, type Queryable, view } from './engine/view.ts'

/** A note on a video. */
export type NoteRow = {
  note_id: number
  video_id: string
  user_id: number
  timestamp: string
  text: string | null
  generated_by_ai: boolean
  pinned: boolean
  created_at: string
  updated_at: string
  /** Version of the stream. */
  version: number
}

/** Condition for notes that a model may still write. */
const EMPTY = `(text is null or text = '')`

export const notesView = view('notes', {
  version: 4,
  from: noteEvents,
  key: 'note_id',
  perStream: true,
  overwrites: [NoteCreated],
  columns: {
    note_id: 'bigint not null',
    video_id: 'text not null',
    user_id: 'bigint not null',
    timestamp: 'text not null',
    text: 'text',
    generated_by_ai: 'boolean not null',
    pinned: 'boolean not null',
    created_at: 'timestamptz not null',
    updated_at: 'timestamptz not null',
    version: 'int not null',
  },
  indexes: ['(user_id, video_id, created_at, note_id)', `(video_id, created_at, note_id) where ${EMPTY}`],
  id: (event) => event.data.noteId,
  evolve: (note: NoteRow | undefined, event: Foldable<NoteEvent>) => {
    const at = isoTime(event.time)
    const { version } = event
    switch (event.type) {
      case 'NoteCreated': {
        const { noteId: note_id, videoId: video_id, userId: user_id, timestamp, text } = event.data
        const begun = { generated_by_ai: false, pinned: false, created_at: at, updated_at: at, version }
        return { note_id, video_id, user_id, timestamp, text, ...begun }
      }
      case 'NoteEdited': {
        const { text, generatedByAi } = event.data
        return (
          note && {
            ...note,
            text: text ?? note.text,
            generated_by_ai: generatedByAi ?? note.generated_by_ai,
            updated_at: at,
            version,
          }
        )
      }
      case 'NoteWrittenByAi':
        return note && { ...note, text: event.data.text, generated_by_ai: true, updated_at: at, version }
      case 'NotePinned':
        return note && { ...note, pinned: true, version }
      case 'NoteUnpinned':
        return note && { ...note, pinned: false, version }
      case 'NoteDeleted':
        return gone
      default:
        return noCaseFor(event)
    }
  },
})

const COLUMNS = columnsOf(notesView)

/** A user's notes on a video, oldest first: all, or only those that are `pinned` or not. Times as Postgres writes them (UTC). */
export const notesOf = (db: Queryable, userId: number, videoId: string, pinned?: boolean): Promise<NoteRow[]> =>
  db.query<NoteRow>(
    'notes.of',
    `select ${COLUMNS} from views.notes
      where user_id = $1 and video_id = $2 and ($3::boolean is null or pinned = $3) order by created_at, note_id`,
    [userId, videoId, pinned ?? null],
  )

/** One note. Times as Postgres writes them (UTC). */
export async function noteById(db: Queryable, noteId: number): Promise<NoteRow | undefined> {
  const [note] = await db.query<NoteRow>('notes.byId', `select ${COLUMNS} from views.notes where note_id = $1`, [noteId])
  return note
}

/** The empty notes on a video whose authors have notes by AI turned on, oldest first. */
export const notesForAi = (db: Queryable, videoId: string): Promise<NoteRow[]> =>
  db.query<NoteRow>(
    'notes.forAi',
    `select ${COLUMNS} from views.notes
      where video_id = $1 and ${EMPTY} and exists (select from views.users u where u.user_id = notes.user_id and u.ai_notes)
      order by created_at, note_id`,
    [videoId],
  )
