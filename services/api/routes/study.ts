import { createHash } from 'node:crypto'
import { z } from 'zod'
import { hasStudy, isOpen, MEDIA_STEPS, type MediaStep, requestStudy } from '#events/media.ts'
import { type MediaStatus, mediaOf, type Studies } from '#projections/media.ts'
import { videoById } from '#projections/videos.ts'
import { user, viewer } from '../auth/guards.ts'
import { notFound } from '../errors.ts'
import { languageField } from '../language.ts'
import { route } from '../route.ts'
import { STUDY_STATUSES, standingOf } from '../study.ts'
import { fromPg } from '../times.ts'
import { videoIdField } from '../video-id.ts'

const VideoPath = z.object({ video_id: videoIdField })

const status = z.enum(STUDY_STATUSES).meta({
  description:
    'none: nobody has asked; awaited: waits for its day; queued: waits for a worker, for as long as there is none; failed: `error` says why',
})
const step = z.enum(MEDIA_STEPS).nullable()
const progress = z.int().meta({ description: 'Of the whole job, from 0 to 100' })
const languages = z.array(z.string()).meta({ description: 'In which there are flashcards and a quiz, the newest first' })

const StudyJob = z
  .object({
    video_id: z.string(),
    status,
    step,
    progress,
    language: z
      .string()
      .nullable()
      .meta({ description: 'Of the job that is under way, or of what there is; null: that of the transcript' }),
    languages,
  })
  .meta({ id: 'StudyJob' })

const StudyRead = z
  .object({
    video_id: z.string(),
    status,
    step,
    progress,
    language: z.string().nullable().meta({ description: 'Of the flashcards and the quiz; as asked for, while there are none' }),
    languages,
    flashcards: z.array(z.object({ front: z.string(), back: z.string() })).nullable(),
    quiz: z.array(z.object({ question: z.string(), options: z.array(z.string()), correct_answer: z.int() })).nullable(),
    transcript: z.object({
      available: z.boolean(),
      origin: z
        .enum(['captions', 'speech', 'text'])
        .nullable()
        .meta({ description: 'speech: heard by a worker; text: the same, but its times are made up' }),
      language: z.string().nullable().meta({ description: 'As which it was heard' }),
    }),
    error: z.string().nullable().meta({ description: 'Why it failed, or why there are no flashcards' }),
    requested_at: z.string().nullable(),
    updated_at: z.string().nullable(),
  })
  .meta({ id: 'Study' })

export const studyRoutes = [
  route(
    'POST',
    '/v2/videos/:video_id/study',
    {
      summary: 'Have flashcards and a quiz made of a video',
      auth: user,
      params: VideoPath,
      body: z.object({ language: languageField.nullish() }).optional(),
      answers: { 202: StudyJob },
      refuses: {
        404: 'Nobody has mentioned the video',
        429: 'You have had as many videos processed as a day allows, or asked too often',
      },
    },
    async ({ user, params: { video_id: videoId }, body, app, execute }) => {
      const language = body?.language ?? undefined
      const request = requestStudy({ videoId, userId: user.id, language, quota: app.media.quota })
      const media = await execute(request, { visibleIn: ['media'] })
      const { status, step = null, percent = null, studies } = media
      const job = { status, step, percent, language: media.language ?? null, languages: studies }
      const isThere = !isOpen(media) || (language !== undefined && hasStudy(media, language))
      return {
        video_id: videoId,
        ...standingOf(job, isThere ? language : undefined),
        language: isThere ? (language ?? studies[0] ?? null) : job.language,
        languages: studies,
      }
    },
  ),

  route(
    'GET',
    '/v2/videos/:video_id/study',
    {
      summary: 'Read the flashcards and the quiz of a video',
      reads: ['media', 'videos'],
      auth: viewer,
      params: VideoPath,
      query: z.object({ language: languageField.optional() }),
      answers: { 200: StudyRead },
      givesETag: true,
      refuses: { 404: 'Nobody has mentioned the video' },
    },
    async ({ request, params: { video_id: videoId }, query, db }) => {
      const [video, row] = await Promise.all([videoById(db, videoId), mediaOf(db, videoId)])
      if (!video) throw notFound('Video not found')
      const studies: Studies = row ? JSON.parse(row.studies) : {}
      const languages = Object.keys(studies)
      const job = row && { ...row, status: row.status as MediaStatus, step: row.step as MediaStep | null, languages }
      const standing = standingOf(job, query.language)
      const language = query.language ?? languages[0] ?? row?.language ?? null
      const study = language === null || !Object.hasOwn(studies, language) ? undefined : studies[language]
      const isTold = row && standing.status !== 'none'
      const { transcript_available: available, transcript_origin, transcript_language } = video
      const read: z.input<typeof StudyRead> = {
        video_id: videoId,
        ...standing,
        language,
        languages,
        flashcards: study?.flashcards ?? null,
        quiz: study?.quiz ?? null,
        transcript: {
          available,
          origin: available ? ((transcript_origin ?? 'captions') as Origin) : null,
          language: available ? transcript_language : null,
        },
        error: isTold && (standing.status === 'failed' || (standing.status === 'completed' && !study)) ? row.cause : null,
        requested_at: isTold ? fromPg(row.requested_at) : null,
        updated_at: isTold ? fromPg(row.updated_at) : null,
      }
      // The answer combines a job and its video, so it has no single version; its hash serves as ETag.
      request.etag = `"study-${createHash('sha256').update(JSON.stringify(read)).digest('base64url').slice(0, 22)}"`
      return read
    },
  ),
]

type Origin = 'captions' | 'speech' | 'text'
