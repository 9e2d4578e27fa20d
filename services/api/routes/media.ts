import { z } from 'zod'
import { completeMedia, failMedia, findMedia, hearMedia, isOpen, type JobSeen, progressMedia, startMedia } from '#events/media.ts'
import { hasTranscript, transcriptKey } from '#events/video.ts'
import { longJson } from '#platform/http/long-json.ts'
import type { Queryable } from '#platform/pg/pool.ts'
import { isHopeless } from '#platform/youtube/hopeless.ts'
import { videoById, videoIdBy } from '#projections/videos.ts'
import { aboutTranscript } from '../../kit/transcripts.ts'
import { admin } from '../auth/guards.ts'
import { causeOfReport } from '../causes.ts'
import { notFound } from '../errors.ts'
import { Report, videoOrNumber } from '../media-report.ts'
import { reasonOf } from '../reason.ts'
import { BODY_LIMIT_BYTES, FINDINGS_LIMIT_PARTS, route } from '../route.ts'
import type { Executing } from '../tools.ts'
import { keepTranscript } from '../transcripts.ts'

const Job = z
  .object({
    video_id: z.string(),
    job_id: z.int(),
    status: z.enum(['awaited', 'withdrawn', 'queued', 'processing', 'completed', 'failed']),
    wanted: z.boolean().meta({ description: 'false: stop, and delete the message' }),
    language: z
      .string()
      .nullable()
      .meta({ description: 'Of the flashcards and the quiz, as asked for; null: that of the transcript' }),
    title: z.string().nullable(),
    duration_seconds: z.number().nullable(),
    transcript: z
      .object({
        s3_key: z.string(),
        sha256: z.string(),
        rows: z.int(),
        origin: z.enum(['captions', 'speech', 'text']),
        language: z.string().nullable(),
      })
      .nullable()
      .meta({ description: 'The one in use: a video that has one is not heard' }),
    studies: z.array(z.string()).meta({ description: 'Languages in which there are flashcards and a quiz, the newest first' }),
  })
  .meta({ id: 'MediaJob' })

/** For media workers: they report on jobs, and the answer says whether to go on. */
export const mediaRoutes = [
  route(
    'POST',
    '/v2/internal/media/:video_id',
    {
      summary: 'Say how a media job goes',
      auth: admin,
      params: z.object({ video_id: videoOrNumber }),
      body: Report,
      bodyLimitBytes: BODY_LIMIT_BYTES.findings,
      bodyLimitParts: FINDINGS_LIMIT_PARTS,
      answers: { 200: Job },
      refuses: { 404: 'There is no such video or job', 503: 'The transcript could not be stored: say it again' },
    },
    async ({ request, params, body, app, db, ask, execute, executeAlone }) => {
      const videoId = await videoIdOf(db, params.video_id)
      const jobId = body.job_id ?? undefined
      const cause = jobId === undefined ? undefined : await causeOfReport(db, request, videoId)
      const visible: Executing = { visibleIn: ['media'], cause }
      const { transcript } = body
      if (transcript) {
        const { rows, language, model, origin } = transcript
        const heard = { origin: origin ?? 'speech', language: language ?? undefined, model: model ?? undefined }
        const kept = async () => {
          // Checked first, so that nothing is stored for a report that would be refused.
          if ((await ask(findMedia({ videoId }))).media?.jobId !== jobId) throw notFound('There is no such job')
          const stored = await keepTranscript(app, ask, videoId, { rows, json: await longJson(rows), ...heard })
          return hearMedia({ videoId, jobId: jobId!, transcript: stored })
        }
        const again = (kept: unknown) => {
          const stored = (kept as JobSeen).video!.transcript!
          return hearMedia({ videoId, jobId: jobId!, transcript: { s3Key: transcriptKey(videoId), sizeBytes: 0, ...stored } })
        }
        const options: Executing = { visibleIn: ['media', 'videos'], cause, again }
        return jobRead(db, videoId, await executeAlone(aboutTranscript(videoId), kept, options))
      }
      return jobRead(db, videoId, await execute(commandOf(body, videoId, jobId, rarelyMs(app.media.silenceMs)), visible))
    },
  ),
]

/** Progress is recorded often enough that a slow job never looks silent. */
const rarelyMs = (silenceMs: number) => Math.min(5 * 60_000, silenceMs / 4)

function commandOf(report: Report, videoId: string, job: number | undefined, rarelyMs: number) {
  const { status, step, percent, audio, study, missing, error_message, permanent } = report
  if (status === 'processing' && !step) return startMedia({ videoId, jobId: job })
  const of = { videoId, jobId: job! }
  switch (status) {
    case 'processing':
      return progressMedia({ ...of, step: step!, percent: Math.floor(percent!), rarelyMs })
    case 'completed':
      return completeMedia({
        ...of,
        ...(audio && { audio: { s3Key: audio.s3_key, sizeBytes: audio.size_bytes, sha256: audio.sha256 } }),
        ...(study ? { study: { ...study, model: study.model ?? undefined } } : { missing: reasonOf(missing) }),
      })
    case 'queued':
      return failMedia({ ...of, cause: reasonOf(error_message), comesAgain: true })
    case 'failed': {
      const isLast = permanent ?? isHopeless(error_message ?? '')
      return failMedia({ ...of, cause: reasonOf(error_message), ...(isLast && { permanent: true as const }) })
    }
  }
}

async function videoIdOf(db: Queryable, given: string | number): Promise<string> {
  const videoId = typeof given === 'string' ? given : await videoIdBy(db, given)
  if (videoId === undefined) throw notFound('Video not found')
  return videoId
}

/** The job, with the data that its worker needs. */
async function jobRead(db: Queryable, videoId: string, { media, video }: JobSeen): Promise<z.input<typeof Job>> {
  const metadata = JSON.parse((await videoById(db, videoId))?.metadata ?? '{}') as { title?: unknown; duration?: unknown }
  const transcript = hasTranscript(video) ? video!.transcript! : undefined
  return {
    video_id: videoId,
    job_id: media.jobId,
    status: media.status,
    wanted: isOpen(media),
    language: media.language ?? null,
    title: video?.title || (typeof metadata.title === 'string' ? metadata.title : null),
    duration_seconds: typeof metadata.duration === 'number' && metadata.duration > 0 ? metadata.duration : null,
    transcript: transcript
      ? {
          s3_key: transcriptKey(videoId),
          sha256: transcript.sha256,
          rows: transcript.rows,
          origin: transcript.origin ?? 'captions',
          language: transcript.language ?? null,
        }
      : null,
    studies: media.studies,
  }
}
