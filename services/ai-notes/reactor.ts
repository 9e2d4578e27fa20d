import { askForNote, settleNote } from '#events/ai.ts'
import { NoteCreated, NoteDeleted, NoteEdited, NoteWrittenByAi } from '#events/note.ts'
import { ProfileUpdated } from '#events/user.ts'
import { TranscriptStored } from '#events/video.ts'
import { on, onLooking, type Reactor, reactor } from '#platform/log/reactor/reactor.ts'

/** Lookups that one event alone cannot answer. Each waits until the views contain everything before the event. */
export interface Looks {
  /** Notes on the video that a model may have to write, each with the correlation id of its original request. */
  notesThatWait(event: {
    pos: number
    data: { videoId: string }
  }): Promise<{ noteId: number; userId: number; correlationId?: string | undefined }[]>
  /**
   * Empty notes of a user that were created before the user turned notes by AI on, also if they were emptied since; `backfill` marks
   * those to be requested now. Notes created later are left to the reaction to their creation: otherwise their story would lead back
   * to the switch, not to their own request.
   */
  emptyNotes(event: { pos: number; data: { userId: number } }): Promise<{ noteId: number; videoId: string; backfill: boolean }[]>
}

/**
 * Asks a model for the text of empty notes, once the note, the transcript and the author's consent exist, in any order.
 *
 * A note taken while the transcript arrives gets exactly one request: either its command reads the transcript, or the note precedes
 * the transcript in the log and the lookup after the transcript finds it.
 *
 * @param from notes complete before this moment are not requested, in milliseconds since the epoch
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
