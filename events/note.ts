import { z } from 'zod'
import { noteId, userId, videoId } from './ids.ts'
import { command, emit, nothing, reject } from './kit/command.ts'
import { decider, type EventFrom, stream } from './kit/stream.ts'
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
export const NoteDeleted = noteStream.event('NoteDeleted', 1, z.object({ noteId, videoId, userId }))

export const noteEvents = [NoteCreated, NoteEdited, NoteDeleted] as const
export type NoteEvent = EventFrom<(typeof noteEvents)[number]>

// State -----------------------------------------------------------------

export interface Note {
  noteId: number
  videoId: string
  userId: number
  timestamp: string
  text: string | null
  generatedByAi: boolean
  /** Milliseconds since the epoch, both. */
  createdAt: number
  updatedAt: number
  deleted?: true
}

export const evolveNote = (note: Note | undefined, event: NoteEvent): Note | undefined => {
  switch (event.type) {
    case 'NoteCreated':
      return { ...event.data, generatedByAi: false, createdAt: event.time, updatedAt: event.time }
    case 'NoteEdited':
      return (
        note && {
          ...note,
          text: event.data.text ?? note.text,
          generatedByAi: event.data.generatedByAi ?? note.generatedByAi,
          updatedAt: event.time,
        }
      )
    case 'NoteDeleted':
      return note && { ...note, text: null, deleted: true }
    default:
      return note
  }
}

export const notes = decider<Note, NoteEvent>(noteStream, 1, evolveNote)

// Decisions ---------------------------------------------------------------

/** Takes a note. The video comes into being with the first one. */
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
      const note: Note = { ...created.data, generatedByAi: false, createdAt: now, updatedAt: now }
      return emit([...mention(video, { videoId, id: ids.video, title: cmd.videoTitle }), created], note)
    },
  })

/** Changes one's own note; what is not given, or is as it was, stays. */
export const editNote = (cmd: { userId: number; noteId: number; text?: string; generatedByAi?: boolean }) =>
  command({
    name: 'editNote',
    reads: { note: notes.of(cmd.noteId) },
    decide: ({ note }, { now }) => {
      if (!note || note.deleted || note.userId !== cmd.userId) return reject('NOT_FOUND', 'Note not found')
      if (cmd.text === undefined && cmd.generatedByAi === undefined) return reject('BAD_REQUEST', 'No fields provided for update')
      const text = cmd.text === note.text ? undefined : cmd.text
      const generatedByAi = cmd.generatedByAi === note.generatedByAi ? undefined : cmd.generatedByAi
      if (text === undefined && generatedByAi === undefined) return nothing(note)
      const { noteId, videoId, userId } = note
      const edited: Note = {
        ...note,
        text: text ?? note.text,
        generatedByAi: generatedByAi ?? note.generatedByAi,
        updatedAt: now,
      }
      return emit([NoteEdited({ noteId, videoId, userId, text, generatedByAi })], edited)
    },
  })

/** Deletes one's own note. */
export const deleteNote = (cmd: { userId: number; noteId: number }) =>
  command({
    name: 'deleteNote',
    reads: { note: notes.of(cmd.noteId) },
    decide: ({ note }) => {
      if (!note || note.deleted || note.userId !== cmd.userId) return reject('NOT_FOUND', 'Note not found')
      const { noteId, videoId, userId } = note
      return emit([NoteDeleted({ noteId, videoId, userId })], {})
    },
  })

/** Finds one's own note; changes nothing. */
export const findNote = (cmd: { userId: number; noteId: number }) =>
  command({
    name: 'findNote',
    reads: { note: notes.of(cmd.noteId) },
    decide: ({ note }) =>
      note && !note.deleted && note.userId === cmd.userId ? nothing(note) : reject('NOT_FOUND', 'Note not found'),
  })
