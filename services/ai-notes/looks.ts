import type { Queryable } from '#platform/pg/pool.ts'
import { aiRequestsView, backfilledOf, emptyNotesOf, notesThatWait } from '#projections/ai-requests.ts'
import type { ShowUpTo } from '#projections/engine/up-to.ts'
import { notesView } from '#projections/notes.ts'
import { usersView } from '#projections/users.ts'
import { videosView } from '#projections/videos.ts'
import type { Looks } from './reactor.ts'

/** Limit for notes without a transcript: they are only listed as waiting, and are found again when the transcript arrives. */
const MOST_AWAITED = 1_000
/** Limit per user for requests on empty notes from before the user turned notes by AI on. */
const MOST_BACKFILLED = 100

/**
 * @param backfill whether to request text for empty notes from before their author turned notes by AI on
 */
export const looks = (db: Queryable, showUpTo: ShowUpTo, backfill: boolean): Looks => ({
  async notesThatWait({ pos, data: { videoId } }) {
    const waiting = await showUpTo([notesView, usersView, aiRequestsView], pos, () => notesThatWait(db, videoId))
    return waiting.map(({ note_id: noteId, user_id: userId, correlation_id }) => ({
      noteId,
      userId,
      ...(correlation_id !== null && { correlationId: correlation_id }),
    }))
  },
  async emptyNotes({ pos, data: { userId } }) {
    const found = async (withTranscript: boolean, limit: number) =>
      (await emptyNotesOf(db, userId, { withTranscript, upTo: pos, limit })).map(({ note_id: noteId, video_id: videoId }) => ({
        noteId,
        videoId,
        backfill: withTranscript,
      }))
    return showUpTo([notesView, videosView, aiRequestsView], pos, async () => {
      const left = backfill ? Math.max(0, MOST_BACKFILLED - (await backfilledOf(db, userId))) : 0
      return [...(await found(false, MOST_AWAITED)), ...(await found(true, left))]
    })
  },
})
