import { z } from 'zod'
import { noteId, userId, videoId } from './ids.ts'
import { command, type Decision, emit, nothing, refuseUnless, reject } from './kit/command.ts'
import type { NewEvent } from './kit/envelope.ts'
import { decider, type EventFrom, noCaseFor, stream } from './kit/stream.ts'
import { notes as topic } from './topics.ts'
import { mention, videos } from './video.ts'

/** A note on a video. Stream `note-<id>`; all events of a video's notes share its partition. */
export const noteStream = stream<{ noteId: number; videoId: string }>('note', {
  topic,
  id: (e) => e.noteId,
  key: (e) => e.videoId,
})

// Events ----------------------------------------------------------------

export const NoteCreated = noteStream.event(
  'NoteCreated',
  1,
  z.object({ noteId, videoId, userId, timestamp: z.string(), text: z.string().nullable() }),
)
export const NoteEdited = noteStream.event(
  'NoteEdited',
  1,
  z.object({ noteId, videoId, userId, text: z.string().optional(), generatedByAi: z.boolean().optional() }),
)
/** The model's text for a note that its author left empty. */
export const NoteWrittenByAi = noteStream.event('NoteWrittenByAi', 1, z.object({ noteId, videoId, userId, text: z.string() }))
/** Its author wants it at hand. */
export const NotePinned = noteStream.event('NotePinned', 1, z.object({ noteId, videoId, userId }))
export const NoteUnpinned = noteStream.event('NoteUnpinned', 1, z.object({ noteId, videoId, userId }))
export const NoteDeleted = noteStream.event('NoteDeleted', 1, z.object({ noteId, videoId, userId }))

/** What happens to a note between its beginning and its end, and leaves it to the same user, on the same video. */
export const noteChanges = [NoteEdited, NoteWrittenByAi, NotePinned, NoteUnpinned] as const
export const noteEvents = [NoteCreated, ...noteChanges, NoteDeleted] as const
export type NoteEvent = EventFrom<(typeof noteEvents)[number]>

// State -----------------------------------------------------------------

export interface Note {
  noteId: number
  videoId: string
  userId: number
  timestamp: string
  text: string | null
  /** As clients see it; the author may set it freely. */
  generatedByAi: boolean
  /** Who in fact wrote the text, whatever `generatedByAi` says. */
  writtenBy: 'author' | 'ai'
  /** Absent until it is first pinned, as in states and answers that were kept before there were pins. */
  pinned?: boolean
  /** Milliseconds since the epoch, both. */
  createdAt: number
  updatedAt: number
  deleted?: true
  /** Version of the stream: rises with every change. */
  version: number
}

type Written = Pick<Note, 'noteId' | 'videoId' | 'userId' | 'timestamp' | 'text'>
const born = (written: Written, at: number): Note => ({
  ...written,
  generatedByAi: false,
  writtenBy: 'author',
  createdAt: at,
  updatedAt: at,
  version: 1,
})

export const evolveNote = (note: Note | undefined, event: NoteEvent): Note | undefined => {
  switch (event.type) {
    case 'NoteCreated':
      return born(event.data, event.time)
    case 'NoteEdited':
      return (
        note && {
          ...note,
          text: event.data.text ?? note.text,
          generatedByAi: event.data.generatedByAi ?? note.generatedByAi,
          writtenBy: event.data.text === undefined ? note.writtenBy : 'author',
          updatedAt: event.time,
          version: event.version,
        }
      )
    case 'NoteWrittenByAi':
      return (
        note && {
          ...note,
          text: event.data.text,
          generatedByAi: true,
          writtenBy: 'ai',
          updatedAt: event.time,
          version: event.version,
        }
      )
    // A pin is no edit: `updatedAt` stays.
    case 'NotePinned':
      return note && { ...note, pinned: true, version: event.version }
    case 'NoteUnpinned':
      return note && { ...note, pinned: false, version: event.version }
    case 'NoteDeleted':
      return note && { ...note, text: null, deleted: true, version: event.version }
    default:
      return noCaseFor(event)
  }
}

export const notes = decider<Note, NoteEvent>(noteStream, 3, evolveNote, { ids: ['note'] })

// Decisions ---------------------------------------------------------------

const isOf = (note: Note | undefined, userId: number): note is Note => note?.userId === userId && !note.deleted
const noSuchNote = () => reject('NOT_FOUND', 'Note not found')

/** Creates a note, and adds the video if it is new. */
export const createNote = (cmd: {
  userId: number
  videoId: string
  timestamp: string
  text: string | null
  videoTitle?: string | null
}) =>
  command({
    name: 'createNote',
    reads: { video: videos.of(cmd.videoId) },
    ids: ['note', 'video'],
    decide: ({ video }, { now, ids }) => {
      const { userId, videoId, timestamp, text } = cmd
      const created = NoteCreated({ noteId: ids.note, videoId, userId, timestamp, text })
      return emit([...mention(video, { videoId, id: ids.video, title: cmd.videoTitle }), created], born(created.data, now))
    },
  })

interface Edit {
  text?: string
  generatedByAi?: boolean
  /** The note must have one of these versions. */
  expected?: readonly number[]
}

/** Edits a note. Fields that do not change are left out of the event. */
function edited(note: Note, edit: Edit, now: number): Decision<Note> {
  const text = edit.text === note.text ? undefined : edit.text
  const generatedByAi = edit.generatedByAi === note.generatedByAi ? undefined : edit.generatedByAi
  if (text === undefined && generatedByAi === undefined) return nothing(note)
  const { noteId, videoId, userId } = note
  return decided(note, NoteEdited({ noteId, videoId, userId, text, generatedByAi }), now)
}

/** Appends the event and answers with the note as the event leaves it. */
const decided = (note: Note, event: NewEvent, now: number): Decision<Note> =>
  emit([event], evolveNote(note, { ...event, time: now, version: note.version + 1 } as NoteEvent)!)

/** Changes the user's own note. Fields that are absent or equal stay. */
export const editNote = (cmd: { userId: number; noteId: number } & Edit) =>
  command({
    name: 'editNote',
    reads: { note: notes.of(cmd.noteId) },
    decide: ({ note }, { now }) => {
      if (!isOf(note, cmd.userId)) return noSuchNote()
      if (cmd.text === undefined && cmd.generatedByAi === undefined) return reject('BAD_REQUEST', 'No fields provided for update')
      const refused = refuseUnless(cmd.expected, note.version)
      if (refused) return refused
      return edited(note, cmd, now)
    },
  })

/** Writes the model's text, or edits any user's note. The model never overwrites what the author wrote, before or meanwhile. */
export const editNoteByWorker = (cmd: { noteId: number } & Edit) =>
  command({
    name: 'editNoteByWorker',
    reads: { note: notes.of(cmd.noteId) },
    decide: ({ note }, { now }) => {
      if (!note || note.deleted) return noSuchNote()
      const refused = refuseUnless(cmd.expected, note.version)
      if (refused) return refused
      if (cmd.text === undefined || !cmd.generatedByAi) return edited(note, cmd, now)
      if (note.text && note.writtenBy === 'author') return nothing(note)
      if (note.text === cmd.text && note.generatedByAi && note.writtenBy === 'ai') return nothing(note)
      const { noteId, videoId, userId } = note
      return decided(note, NoteWrittenByAi({ noteId, videoId, userId, text: cmd.text }), now)
    },
  })

/** Pins the user's own note, or unpins it. `expected`: the note must have one of these versions. */
export const pinNote = (cmd: { userId: number; noteId: number; pinned: boolean; expected?: readonly number[] }) =>
  command({
    name: 'pinNote',
    reads: { note: notes.of(cmd.noteId) },
    decide: ({ note }, { now }) => {
      if (!isOf(note, cmd.userId)) return noSuchNote()
      const refused = refuseUnless(cmd.expected, note.version)
      if (refused) return refused
      if ((note.pinned ?? false) === cmd.pinned) return nothing(note)
      const { noteId, videoId, userId } = note
      return decided(note, (cmd.pinned ? NotePinned : NoteUnpinned)({ noteId, videoId, userId }), now)
    },
  })

/** Deletes the user's own note. `expected`: the note must have one of these versions. */
export const deleteNote = (cmd: { userId: number; noteId: number; expected?: readonly number[] }) =>
  command({
    name: 'deleteNote',
    reads: { note: notes.of(cmd.noteId) },
    decide: ({ note }) => {
      if (!isOf(note, cmd.userId)) return noSuchNote()
      const refused = refuseUnless(cmd.expected, note.version)
      if (refused) return refused
      const { noteId, videoId, userId } = note
      return emit([NoteDeleted({ noteId, videoId, userId })], {})
    },
  })

/** Finds the user's own note; changes nothing. */
export const findNote = (cmd: { userId: number; noteId: number }) =>
  command({
    name: 'findNote',
    reads: { note: notes.of(cmd.noteId) },
    decide: ({ note }) => (isOf(note, cmd.userId) ? nothing(note) : noSuchNote()),
  })
