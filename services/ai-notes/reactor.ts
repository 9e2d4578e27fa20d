import { askForNote, settleNote } from '#events/ai.ts'
import { NoteCreated, NoteDeleted, NoteEdited, NoteWrittenByAi } from '#events/note.ts'
import { ProfileUpdated } from '#events/user.ts'
import { TranscriptStored } from '#events/video.ts'
import { on, onLooking, type Reactor, reactor } from '#platform/log/reactor/reactor.ts'

/** What cannot be known from one event. Each waits until the views show all that happened before the event. */
export interface Looks {
  /** Notes on the video that a model may have to write, each with the request that it goes back to. */
  notesThatWait(event: {
    pos: number
    data: { videoId: string }
  }): Promise<{ noteId: number; userId: number; correlationId?: string | undefined }[]>
  /** Empty notes of somebody who has just turned notes by AI on, and those among them that are to be made up for. */
  emptyNotes(event: { pos: number; data: { userId: number } }): Promise<{ noteId: number; videoId: string; backfill: boolean }[]>
}

/**
 * Asks a model for the text of empty notes, as soon as note, transcript and the author's wish are there, in whichever order.
 *
 * Exactly one question comes of a note that is taken while the transcript arrives: its command either reads the transcript, or comes
 * before it in the log, and then the look after the transcript finds the note.
 *
 * @param from what was complete before this moment is not asked for, in milliseconds since the epoch
 */
export const aiNotes = (looks: Looks, from?: number): Reactor => {
  const settle = ({ data }: { data: { noteId: number; videoId: string } }) => [settleNote(data)]
  return reactor('ai-notes', [
    on(NoteCreated, ({ data }) => (data.text ? [] : [askForNote({ ...data, from })])),
    on(NoteEdited, (event) => (event.data.text ? settle(event) : [])),
    on(NoteWrittenByAi, settle),
    on(NoteDeleted, settle),
    onLooking(
      TranscriptStored,
      async (event) => (event.data.rows > 0 ? looks.notesThatWait(event) : []),
      ({ data: { videoId } }, notes) => notes.map((note) => askForNote({ ...note, videoId, from })),
    ),
    onLooking(
      ProfileUpdated,
      async (event) => (event.data.aiNotes ? looks.emptyNotes(event) : []),
      ({ data: { userId } }, notes) => notes.map((note) => askForNote({ ...note, userId, from })),
    ),
  ])
}
