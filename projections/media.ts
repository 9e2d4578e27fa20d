import type { Foldable } from '#events/kit/envelope.ts'
import { noCaseFor } from '#events/kit/stream.ts'
import { type Media, type MediaEvent, type MediaStep, mediaEvents } from '#events/media.ts'
import type { Flashcard, Question } from '#events/study.ts'
import { isoTime } from './engine/iso-time.ts'
import { type Queryable, view } from './engine/view.ts'

/** The newest job of media workers for a video, and the results of all its jobs. */
export type MediaRow = {
  video_id: string
  /** 0 while the first hearing is only awaited. */
  job_id: number
  status: string
  /** The user who asked; null for a hearing and for a worker's own job. */
  user_id: number | null
  /** Requested language of the flashcards and the quiz. */
  language: string | null
  /** Number of the last message. */
  attempt: number
  /** The queue's id for the last message; null before it is sent and after a worker deleted it. */
  message_id: string | null
  step: string | null
  /** Percentage of the step. */
  percent: number | null
  /** Time of the last news of the job, in milliseconds since the epoch. */
  since: number
  /** Why the last attempt failed, if one did, or why there are no flashcards. */
  cause: string | null
  /** JSON text: `{language: {flashcards, quiz, model?}}`, the newest first. */
  studies: string
  /** S3 key of the sound, if a job included a hearing (transcription of the speech). */
  audio_key: string | null
  /** Correlation id of the client's request that led to the job. */
  correlation_id: string | null
  /** Id of the last event: the causation id of the next one. */
  event_id: string
  /** When the job was requested. */
  requested_at: string
  updated_at: string
  /** Version of the stream. */
  version: number
}

export type Studies = Record<string, { flashcards: Flashcard[]; quiz: Question[]; model?: string }>

type FoldedEvent = Foldable<MediaEvent, 'id' | 'correlationId'>

export const mediaView = view('media', {
  version: 1,
  from: mediaEvents,
  key: 'video_id',
  perStream: true,
  columns: {
    video_id: 'text not null',
    job_id: 'bigint not null',
    status: 'text not null',
    user_id: 'bigint',
    language: 'text',
    attempt: 'int not null',
    message_id: 'text',
    step: 'text',
    percent: 'int',
    since: 'bigint not null',
    cause: 'text',
    studies: 'text not null',
    audio_key: 'text',
    correlation_id: 'text',
    event_id: 'text not null',
    requested_at: 'timestamptz not null',
    updated_at: 'timestamptz not null',
    version: 'int not null',
  },
  indexes: [`(status, since) where status in ('awaited', 'queued', 'processing')`],
  uses: ['id', 'correlationId'],
  id: (event) => event.data.videoId,
  evolve: (row: MediaRow | undefined, event: FoldedEvent): MediaRow | undefined => {
    const updated_at = isoTime(event.time)
    const now = { since: event.time, event_id: event.id, updated_at, version: event.version }
    switch (event.type) {
      case 'HearingAwaited':
        return { ...begun(row, event, updated_at), ...now, status: 'awaited', job_id: row?.job_id ?? 0, attempt: 0 }
      case 'MediaProcessingRequested': {
        const { jobId: job_id, attempt, userId: user_id, language = null } = event.data
        const isAgain = row !== undefined && row.job_id === job_id
        // Another message of the same job, and the job of an awaited hearing, keep the correlation id and start time of the row.
        const of = isAgain || row?.status === 'awaited' ? row : begun(row, event, updated_at)
        return { ...of, ...now, status: 'queued', job_id, attempt, user_id, language, message_id: null }
      }
      default:
        return row && { ...row, ...now, ...change(row, event) }
    }
  },
})

function begun(
  row: MediaRow | undefined,
  { data: { videoId: video_id }, correlationId: correlation_id }: FoldedEvent,
  at: string,
) {
  const nothingYet = { user_id: null, language: null, message_id: null, step: null, percent: null, cause: null }
  const { studies = '{}', audio_key = null } = row ?? {}
  return { video_id, ...nothingYet, studies, audio_key, correlation_id, requested_at: at }
}

function change(
  row: MediaRow,
  event: Exclude<FoldedEvent, { type: 'HearingAwaited' | 'MediaProcessingRequested' }>,
): Partial<MediaRow> {
  switch (event.type) {
    case 'HearingWithdrawn':
      return { status: 'withdrawn', cause: event.data.cause }
    case 'MediaProcessingDispatched':
      return { message_id: event.data.messageId }
    case 'MediaProcessingStarted':
      return { status: 'processing', step: null, percent: null, cause: null }
    case 'MediaProgressed':
      return { status: 'processing', step: event.data.step, percent: event.data.percent, cause: null }
    case 'MediaProcessingInterrupted': {
      const { cause, messageGone } = event.data
      return { status: 'queued', cause, ...(messageGone && { message_id: null }) }
    }
    case 'MediaProcessed': {
      const { audio, study, missing = null } = event.data
      const ended = { status: 'completed', cause: missing, step: null, percent: null, audio_key: audio?.s3Key ?? row.audio_key }
      if (!study) return ended
      const { language, ...made } = study
      const { [language]: _, ...others } = JSON.parse(row.studies) as Studies
      return { ...ended, studies: JSON.stringify({ [language]: made, ...others }) }
    }
    case 'MediaProcessingFailed':
      return { status: 'failed', cause: event.data.cause, step: null, percent: null }
    default:
      return noCaseFor(event)
  }
}

export type MediaStatus = Media['status']
export type { MediaStep }

const READ = `video_id, job_id, status, user_id, language, attempt, message_id, step, percent, since, cause, studies, audio_key,
  correlation_id, event_id, requested_at, updated_at, version`

export async function mediaOf(db: Queryable, videoId: string): Promise<MediaRow | undefined> {
  const [row] = await db.query<MediaRow>('media.of', `select ${READ} from views.media where video_id = $1`, [videoId])
  return row
}

/** Jobs in the given statuses without news since a moment (milliseconds since the epoch), longest first. */
export const mediaIn = (
  db: Queryable,
  statuses: readonly MediaStatus[],
  { before = Number.MAX_SAFE_INTEGER, limit }: { before?: number; limit: number },
): Promise<MediaRow[]> =>
  db.query<MediaRow>(
    'media.in',
    `select ${READ} from views.media where status = any ($1) and since <= $2 order by since, video_id limit $3`,
    [statuses, before, limit],
  )

/** The number of jobs in each status that is not final, and the oldest `since` among them. */
export const openMedia = (db: Queryable): Promise<{ status: MediaStatus; jobs: number; since: number }[]> =>
  db.query(
    'media.open',
    `select status, count(*) as jobs, min(since) as since from views.media
      where status in ('awaited', 'queued', 'processing') group by status`,
  )

/** How many videos are in each status. */
export const mediaCounts = (db: Queryable): Promise<{ status: MediaStatus; jobs: number }[]> =>
  db.query('media.counts', 'select status, count(*) as jobs from views.media group by status order by status')
