import { z } from 'zod'
import { noteRequest, summaryRequest } from '#events/ai.ts'
import type { Command } from '#events/kit/command.ts'
import { editNoteByWorker, noteStream } from '#events/note.ts'
import { storeMetadata, storeSummary, storeTranscript } from '#events/video.ts'
import { boolean, integer, text } from '#platform/http/fields.ts'
import { memberOf } from '#platform/http/json-member.ts'
import { isStorable, strip } from '#platform/http/text.ts'
import type { Cause } from '#platform/log/commands/executor.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { notesForAi } from '#projections/notes.ts'
import { videoById } from '#projections/videos.ts'
import { aboutTranscript } from '../../kit/transcripts.ts'
import { admin } from '../auth/guards.ts'
import { causeOfAnswer } from '../causes.ts'
import { busy, notFound } from '../errors.ts'
import { METADATA_LIMIT_BYTES, MetadataObject, metadataText } from '../metadata.ts'
import { BODY_LIMIT_BYTES, FINDINGS_LIMIT_PARTS, route } from '../route.ts'
import type { Tools } from '../tools.ts'
import { keepTranscript, TranscriptRows } from '../transcripts.ts'
import { videoIdField } from '../video-id.ts'
import { VideoRead, videoRead } from '../video-read.ts'
import { NoteRead, NoteUpdate, noteRead, noteShown, noteTags } from './notes.ts'

const VideoPath = z.object({ video_id: videoIdField })

const Summary = z.object({
  summary: text({ max: 10_000 }).nullish(),
  miscellaneous_data: z
    .unknown()
    .optional()
    .meta({ description: 'May hold `suggested_questions`, three of them; all else is ignored' }),
})

/** Three suggested questions to begin a chat with, or none. */
function questionsIn(misc: unknown): string[] | undefined {
  const given = (misc as { suggested_questions?: unknown } | null | undefined)?.suggested_questions
  const isQuestion = (text: unknown) => typeof text === 'string' && strip(text) !== '' && isStorable(text)
  return Array.isArray(given) && given.length === 3 && given.every(isQuestion) ? given : undefined
}

const LATE = { 503: 'Stored, but not to be seen yet: repeat the request' }

/** Shared by the routes on which a worker stores its findings about a video. */
const STORING = { auth: admin, params: VideoPath, answers: { 200: VideoRead }, refuses: LATE }

/** Executes the command and returns the video as it is then. */
async function stored({ db, execute }: Pick<Tools, 'db' | 'execute'>, videoId: string, command: Command, cause?: Cause) {
  await execute(command, { visibleIn: ['videos'], cause })
  return shown(db, videoId)
}

async function shown(db: Queryable, videoId: string) {
  const video = await videoById(db, videoId)
  // The command is stored; only the views lag too far to show a new video. All these requests can be repeated.
  if (!video) throw busy()
  return videoRead(video)
}

/** For workers: they store findings about videos, and read the data they need. */
export const internalRoutes = [
  route(
    'POST',
    '/v2/internal/videos/:video_id/transcript',
    {
      summary: 'Store the transcript of a video',
      ...STORING,
      body: z.object({
        transcript: TranscriptRows,
        replace: boolean().nullish().meta({
          description:
            'Takes the place of whatever is used. Left out, captions do not take the place of a transcript that was heard: they are set aside',
        }),
      }),
      bodyLimitBytes: BODY_LIMIT_BYTES.findings,
      bodyLimitParts: FINDINGS_LIMIT_PARTS,
    },
    async ({ request, params: { video_id: videoId }, body, app, db, ask, executeAlone }) => {
      const json = (await memberOf(request.bytes!, 'transcript'))!
      const replace = body.replace ?? false
      const kept = async () => {
        const transcript = await keepTranscript(app, ask, videoId, { rows: body.transcript, json }, replace)
        return storeTranscript({ videoId, transcript, replace })
      }
      await executeAlone(aboutTranscript(videoId), kept, { visibleIn: ['videos'] })
      return shown(db, videoId)
    },
  ),

  route(
    'POST',
    '/v2/internal/videos/:video_id/metadata',
    {
      summary: 'Store what YouTube says of a video',
      ...STORING,
      body: z.object({ metadata: MetadataObject }),
      bodyLimitBytes: METADATA_LIMIT_BYTES,
    },
    async ({ request, params: { video_id: videoId }, ...tools }) => {
      return stored(tools, videoId, storeMetadata({ videoId, metadata: await metadataText(request) }))
    },
  ),

  route(
    'POST',
    '/v2/internal/videos/:video_id/summary',
    {
      summary: 'Store the summary of a video',
      ...STORING,
      body: Summary,
    },
    async ({ request, params: { video_id: videoId }, body, ...tools }) => {
      const [summary, questions] = [body.summary ?? undefined, questionsIn(body.miscellaneous_data)]
      const cause = summary === undefined ? undefined : await causeOfAnswer(tools.db, request, summaryRequest(videoId))
      return stored(tools, videoId, storeSummary({ videoId, summary, questions }), cause)
    },
  ),

  route(
    'GET',
    '/v2/internal/videos/:video_id',
    {
      summary: 'Read a video, as a worker',
      reads: ['videos'],
      auth: admin,
      params: VideoPath,
      answers: { 200: VideoRead },
      refuses: { 404: 'Nobody has mentioned it' },
    },
    async ({ params, db }) => {
      const video = await videoById(db, params.video_id)
      if (!video) throw notFound('Video not found')
      return videoRead(video)
    },
  ),

  route(
    'GET',
    '/v2/internal/videos/:video_id/ai-notes',
    {
      summary: 'List the notes on a video that the model shall fill',
      reads: ['videos', 'notes', 'users'],
      auth: admin,
      params: VideoPath,
      answers: { 200: z.object({ video_id: z.string(), notes: z.array(NoteRead), message: z.string() }) },
      refuses: { 404: 'Nobody has mentioned the video, or there are none' },
    },
    async ({ params: { video_id }, db }) => {
      const [video, notes] = await Promise.all([videoById(db, video_id), notesForAi(db, video_id)])
      if (!video) throw notFound('Video not found')
      if (notes.length === 0) throw notFound('No notes found for users with AI notes enabled')
      return { video_id, notes: notes.map(noteShown), message: 'Successfully retrieved notes for AI note generation.' }
    },
  ),

  route(
    'PATCH',
    '/v2/internal/notes/:note_id',
    {
      summary: 'Change a note, as a worker',
      auth: admin,
      params: z.object({ note_id: integer() }),
      body: NoteUpdate,
      bodyLimitBytes: BODY_LIMIT_BYTES.text,
      answers: { 200: NoteRead },
      etag: true,
      refuses: { 404: 'There is no such note' },
    },
    async ({ request, params, body, db, execute }) => {
      const noteId = params.note_id
      const expected = noteTags.expected(request, noteStream.of(noteId))
      const change = { text: body.text ?? undefined, generatedByAi: body.generated_by_ai ?? undefined }
      const isAnswer = change.text !== undefined && change.generatedByAi
      const cause = isAnswer ? await causeOfAnswer(db, request, noteRequest(noteId)) : undefined
      const edit = editNoteByWorker({ noteId, ...change, expected })
      return noteRead(await execute(edit, { visibleIn: ['notes'], cause }), request)
    },
  ),
]
