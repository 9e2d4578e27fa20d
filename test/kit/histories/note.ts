import fc from 'fast-check'
import {
  createNote,
  deleteNote,
  editNote,
  editNoteByWorker,
  NoteCreated,
  NoteDeleted,
  NoteEdited,
  NotePinned,
  NoteUnpinned,
  NoteWrittenByAi,
  pinNote,
} from '#events/note.ts'
import { someNote, someText, someUser, someVideo, VIDEO } from './few.ts'
import { maybe, orNull, usually, wished } from './usually.ts'

export const noteCreated = usually(NoteCreated, { noteId: 1, videoId: VIDEO, userId: 1, timestamp: '1:23', text: 'mine' })
export const noteEdited = usually(NoteEdited, { noteId: 1, videoId: VIDEO, userId: 1 })
export const noteWrittenByAi = usually(NoteWrittenByAi, { noteId: 1, videoId: VIDEO, userId: 1, text: 'model' })
export const notePinned = usually(NotePinned, { noteId: 1, videoId: VIDEO, userId: 1 })
export const noteUnpinned = usually(NoteUnpinned, { noteId: 1, videoId: VIDEO, userId: 1 })
export const noteDeleted = usually(NoteDeleted, { noteId: 1, videoId: VIDEO, userId: 1 })

const someTitle = fc.option(fc.constantFrom('', 'One', 'Two', 'No YouTube video found.'), { nil: undefined })

/** Random commands. */
export const noteWishes = {
  createNote: wished(
    3,
    createNote,
    fc.record({
      userId: someUser,
      videoId: someVideo,
      timestamp: fc.constant('1:23'),
      text: orNull(someText),
      videoTitle: someTitle,
    }),
  ),
  editNote: wished(
    4,
    editNote,
    fc.record({ userId: someUser, noteId: someNote, text: maybe(someText), generatedByAi: maybe(fc.boolean()) }),
  ),
  editNoteByWorker: wished(
    2,
    editNoteByWorker,
    fc.record({ noteId: someNote, text: maybe(someText), generatedByAi: maybe(fc.boolean()) }),
  ),
  pinNote: wished(2, pinNote, fc.record({ userId: someUser, noteId: someNote, pinned: fc.boolean() })),
  deleteNote: wished(1, deleteNote, fc.record({ userId: someUser, noteId: someNote })),
}
