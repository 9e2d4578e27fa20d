import { z } from 'zod'
import { createNote, deleteNote, editNote, findNote, type Note, noteStream } from '#events/note.ts'
import { boolean, integer, rule, text } from '#platform/http/fields.ts'
import type { Request } from '#platform/http/request.ts'
import { strip } from '#platform/http/text.ts'
import { type NoteRow, noteById, notesOf } from '#projections/notes.ts'
import { user, userOrLongTerm } from '../auth/guards.ts'
import { notConfigured, notFound } from '../errors.ts'
import { tagsOf } from '../etag.ts'
import { BODY_LIMIT_BYTES, Message, route } from '../route.ts'
import { fromMs, fromPg } from '../times.ts'
import { videoIdField } from '../video-id.ts'

export const NoteRead = z
  .object({
    id: z.int(),
    video_id: z.string(),
    timestamp: z.string(),
    text: z.string().nullable(),
    generated_by_ai: z.boolean(),
    created_at: z.string(),
    updated_at: z.string(),
    user_id: z.int(),
  })
  .meta({ id: 'Note' })

export const noteTags = tagsOf(NoteRead)

/** Looks for two digits only: a timestamp may have any length. */
const hasTwoDigits = (timestamp: string) => /\p{Nd}.*?\p{Nd}/su.test(timestamp)

const WHAT = {
  timestamp: text()
    .refine((timestamp) => timestamp.includes(':'), rule("timestamp must contain at least one ':'"))
    .refine(hasTwoDigits, rule('timestamp must contain at least two numbers')),
  text: text()
    .transform((given) => strip(given) || null)
    .nullish(),
}

const NoteCreate = z.object({ ...WHAT, video_title: text().nullish() })

const NoteByTitle = z.object({ video_title: text().refine(strip, rule('video_title cannot be empty')), ...WHAT })

export const NoteUpdate = z.strictObject({ text: text().nullish(), generated_by_ai: boolean().nullish() })

const NO_NOTE = { 404: 'You have no such note' }

const VideoPath = z.object({ video_id: videoIdField })
const NotePath = z.object({ note_id: integer({ min: 1 }) })

/** The views that show a new note. */
const SHOWN_IN = { visibleIn: ['notes', 'user-videos', 'videos'] } as const

export const noteRoutes = [
  route(
    'GET',
    '/v2/videos/:video_id/notes',
    {
      summary: 'Read your notes on a video',
      auth: user,
      reads: ['notes'],
      params: VideoPath,
      answers: { 200: z.array(NoteRead) },
    },
    async ({ user, params, db }) => (await notesOf(db, user.id, params.video_id)).map(noteShown),
  ),

  route(
    'POST',
    '/v2/videos/:video_id/notes',
    {
      summary: 'Take a note on a video',
      auth: userOrLongTerm,
      params: VideoPath,
      body: NoteCreate,
      bodyLimitBytes: BODY_LIMIT_BYTES.text,
      answers: { 201: NoteRead },
      etag: true,
    },
    async ({ user, params, body, request, execute }) => {
      const { timestamp, text = null, video_title: videoTitle } = body
      const note = createNote({ userId: user.id, videoId: params.video_id, timestamp, text, videoTitle })
      return noteRead(await execute(note, SHOWN_IN), request)
    },
  ),

  // Must precede `/v2/notes/:note_id`, which would take `by-title` for an id.
  route(
    'POST',
    '/v2/notes/by-title',
    {
      summary: 'Take a note on the video with a title',
      auth: userOrLongTerm,
      body: NoteByTitle,
      answers: { 201: NoteRead },
      etag: true,
      refuses: { 404: 'YouTube knows no video with this title', 502: 'YouTube cannot be searched' },
    },
    async ({ user, body, request, app, execute, earlier }) => {
      const { timestamp, text = null } = body
      const noteOn = (videoId: string, videoTitle?: string) =>
        createNote({ userId: user.id, videoId, timestamp, text, videoTitle })
      const before = await earlier<Note>({ ...SHOWN_IN, again: (kept) => noteOn((kept as Note).videoId) })
      if (before) return noteRead(before, request)
      if (!app.findByTitle) throw notConfigured('YouTube API key not configured')
      const video = await app.findByTitle(body.video_title, () => app.limits.search(user.id))
      if (!video) throw notFound('No video found for the provided title')
      return noteRead(await execute(noteOn(video.videoId, video.title), SHOWN_IN), request)
    },
  ),

  route(
    'GET',
    '/v2/notes/:note_id',
    {
      summary: 'Read a note',
      auth: user,
      reads: ['notes'],
      params: NotePath,
      answers: { 200: NoteRead },
      etag: true,
      refuses: NO_NOTE,
    },
    async ({ user, params, db, request }) => {
      const note = await noteById(db, params.note_id)
      if (note?.user_id !== user.id) throw notFound('Note not found')
      request.etag = noteTags.of(noteStream.of(note.note_id), note.version)
      return noteShown(note)
    },
  ),

  route(
    'PATCH',
    '/v2/notes/:note_id',
    {
      summary: 'Change a note',
      auth: user,
      params: NotePath,
      body: NoteUpdate,
      bodyLimitBytes: BODY_LIMIT_BYTES.text,
      answers: { 200: NoteRead },
      etag: true,
      refuses: NO_NOTE,
      exists: ({ user, params, ask }) => ask(findNote({ userId: user.id, noteId: params.note_id })),
    },
    async ({ user, params, body, request, execute }) => {
      const noteId = params.note_id
      const expected = noteTags.expected(request, noteStream.of(noteId))
      const change = { text: body.text ?? undefined, generatedByAi: body.generated_by_ai ?? undefined }
      const edit = editNote({ userId: user.id, noteId, ...change, expected })
      return noteRead(await execute(edit, { visibleIn: ['notes', 'user-videos'] }), request)
    },
  ),

  route(
    'DELETE',
    '/v2/notes/:note_id',
    { summary: 'Delete a note', auth: user, params: NotePath, answers: { 200: Message }, etag: true, refuses: NO_NOTE },
    async ({ user, params, request, execute }) => {
      const noteId = params.note_id
      const expected = noteTags.expected(request, noteStream.of(noteId))
      await execute(deleteNote({ userId: user.id, noteId, expected }), { visibleIn: ['notes', 'user-videos'] })
      return { message: 'Note deleted successfully' }
    },
  ),
]

/** A note from the log. It is the whole answer, so this also sets the answer's ETag. */
export function noteRead(note: Note, request: Request): z.input<typeof NoteRead> {
  request.etag = noteTags.of(noteStream.of(note.noteId), note.version)
  return {
    id: note.noteId,
    video_id: note.videoId,
    timestamp: note.timestamp,
    text: note.text,
    generated_by_ai: note.generatedByAi,
    created_at: fromMs(note.createdAt),
    updated_at: fromMs(note.updatedAt),
    user_id: note.userId,
  }
}

/** A note from the view. */
export const noteShown = (note: NoteRow): z.input<typeof NoteRead> => ({
  id: note.note_id,
  video_id: note.video_id,
  timestamp: note.timestamp,
  text: note.text,
  generated_by_ai: note.generated_by_ai,
  created_at: fromPg(note.created_at),
  updated_at: fromPg(note.updated_at),
  user_id: note.user_id,
})
