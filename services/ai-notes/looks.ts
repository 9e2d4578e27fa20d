import type { Queryable } from '#platform/pg/pool.ts'
import { aiRequestsView, backfilledOf, emptyNotesOf, notesThatWait } from '#projections/ai-requests.ts'
import type { ShowUpTo } from '#projections/engine/up-to.ts'
import { notesView } from '#projections/notes.ts'
import { usersView } from '#projections/users.ts'
import { videosView } from '#projections/videos.ts'
import type { Looks } from './reactor.ts'

/** Notes that wait for a transcript are found again when it comes: only to show that they wait, so many are enough. */
const MOST_AWAITED = 1_000
/** Questions that one user's switch may cause for notes that were empty long before. */
const MOST_BACKFILLED = 100

/** @param backfill whether notes are made up for that were empty long before their author wanted notes by AI */
export const looks = (db: Queryable, showUpTo: ShowUpTo, backfill: boolean): Looks => ({
  async notesThatWait({ pos, data: { videoId } }) {
    await showUpTo([notesView, usersView, aiRequestsView], pos)
    return (await notesThatWait(db, videoId)).map(({ note_id: noteId, user_id: userId, correlation_id }) => ({
      noteId,
      userId,
      ...(correlation_id !== null && { correlationId: correlation_id }),
    }))
  },
  async emptyNotes({ pos, data: { userId } }) {
    await showUpTo([notesView, videosView, aiRequestsView], pos)
    const left = backfill ? Math.max(0, MOST_BACKFILLED - (await backfilledOf(db, userId))) : 0
    const found = async (withTranscript: boolean, limit: number) =>
      (await emptyNotesOf(db, userId, { withTranscript, limit })).map(({ note_id: noteId, video_id: videoId }) => ({
        noteId,
        videoId,
        backfill: withTranscript,
      }))
    return [...(await found(false, MOST_AWAITED)), ...(await found(true, left))]
  },
})
