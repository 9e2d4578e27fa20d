import { z } from 'zod'
import { createNote, deleteNote, editNote, findNote, type Note } from '#events/note.ts'
import { boolean, integer, rule, text } from '#platform/http/fields.ts'
import { strip } from '#platform/http/text.ts'
import { notesOf } from '#projections/notes.ts'
import { user, userOrLongTerm } from '../auth/guards.ts'
import { Message, route } from '../route.ts'
import { fromMs, fromPg } from '../times.ts'
import { videoIdField } from '../video-id.ts'

export const NoteRead = z.object({
  id: z.int(),
  video_id: z.string(),
  timestamp: z.string(),
  text: z.string().nullable(),
  generated_by_ai: z.boolean(),
  created_at: z.string(),
  updated_at: z.string(),
  user_id: z.int(),
})

/** Two are enough to know: a timestamp has no greatest length. */
const hasTwoDigits = (timestamp: string) => /\p{Nd}.*?\p{Nd}/su.test(timestamp)

const NoteCreate = z.object({
  timestamp: text()
    .refine((timestamp) => timestamp.includes(':'), rule("timestamp must contain at least one ':'"))
    .refine(hasTwoDigits, rule('timestamp must contain at least two numbers')),
  text: text()
    .transform((given) => strip(given) || null)
    .nullish(),
  video_title: text().nullish(),
})

const NoteUpdate = z.strictObject({ text: text().nullish(), generated_by_ai: boolean().nullish() })

const VideoPath = z.object({ video_id: videoIdField })
const NotePath = z.object({ note_id: integer({ min: 1 }) })

export const noteRoutes = [
  route(
    'GET',
    '/v2/videos/:video_id/notes',
    { auth: user, params: VideoPath, answers: { 200: z.array(NoteRead) } },
    async ({ user, params, db }) =>
      (await notesOf(db, user.id, params.video_id)).map((note) => ({
        id: note.note_id,
        video_id: note.video_id,
        timestamp: note.timestamp,
        text: note.text,
        generated_by_ai: note.generated_by_ai,
        created_at: fromPg(note.created_at),
        updated_at: fromPg(note.updated_at),
        user_id: note.user_id,
      })),
  ),

  route(
    'POST',
    '/v2/videos/:video_id/notes',
    { auth: userOrLongTerm, params: VideoPath, body: NoteCreate, answers: { 201: NoteRead } },
    async ({ user, params, body, execute }) => {
      const { timestamp, text = null, video_title: videoTitle } = body
      const note = createNote({ userId: user.id, videoId: params.video_id, timestamp, text, videoTitle })
      return noteRead(await execute(note, { visibleIn: ['notes', 'user-videos', 'videos'] }))
    },
  ),

  route(
    'PATCH',
    '/v2/notes/:note_id',
    {
      auth: user,
      params: NotePath,
      body: NoteUpdate,
      answers: { 200: NoteRead },
      exists: ({ user, params, ask }) => ask(findNote({ userId: user.id, noteId: params.note_id })),
    },
    async ({ user, params, body, execute }) => {
      const change = { text: body.text ?? undefined, generatedByAi: body.generated_by_ai ?? undefined }
      const edit = editNote({ userId: user.id, noteId: params.note_id, ...change })
      return noteRead(await execute(edit, { visibleIn: ['notes', 'user-videos'] }))
    },
  ),

  route(
    'DELETE',
    '/v2/notes/:note_id',
    { auth: user, params: NotePath, answers: { 200: Message } },
    async ({ user, params, execute }) => {
      await execute(deleteNote({ userId: user.id, noteId: params.note_id }), { visibleIn: ['notes', 'user-videos'] })
      return { message: 'Note deleted successfully' }
    },
  ),
]

const noteRead = (note: Note): z.input<typeof NoteRead> => ({
  id: note.noteId,
  video_id: note.videoId,
  timestamp: note.timestamp,
  text: note.text,
  generated_by_ai: note.generatedByAi,
  created_at: fromMs(note.createdAt),
  updated_at: fromMs(note.updatedAt),
  user_id: note.userId,
})
