import { z } from 'zod'
import { id, userId, videoId } from './ids.ts'
import { type Count, command, type Decision, emit, nothing, type Rejection, reject } from './kit/command.ts'
import { dayIsUsedUp, dayOf, midnightAfter } from './kit/day.ts'
import type { NewEvent } from './kit/envelope.ts'
import { decider, type EventFrom, noCaseFor, stream } from './kit/stream.ts'
import { Flashcards, Quiz } from './study.ts'
import { media as topic } from './topics.ts'
import { users } from './user.ts'
import {
  evolveVideo,
  hasTranscript,
  type StoredTranscript,
  type Video,
  type VideoEvent,
  videos,
  withTranscript,
} from './video.ts'

/**
 * A media worker's jobs for a video: transcribe the speech when there are no captions ("hearing"), and make flashcards and a
 * quiz. Stream `media-<YouTube's id>`: one job after the other, at most one of them open.
 */
export const mediaStream = stream<{ videoId: string }>('media', { topic, id: (e) => e.videoId, key: (e) => e.videoId })

export const MEDIA_STEPS = ['download', 'audio', 'transcript', 'study'] as const
export type MediaStep = (typeof MEDIA_STEPS)[number]

// Events ----------------------------------------------------------------

const jobId = id
/** Number of the message within its job, from 1. A job that nobody reports on gets another message. */
const attempt = id
const ofJob = { videoId, jobId }
/** A language tag such as `en` or `pt-BR`. */
export const language = z.string().regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/)
const object = z.object({ s3Key: z.string(), sizeBytes: z.int().nonnegative(), sha256: z.string() })

/** The video has no captions, so it waits for a hearing, which begins once the daily limit allows it. */
export const HearingAwaited = mediaStream.event('HearingAwaited', 1, z.object({ videoId }))
/** The awaited hearing is no longer needed. */
export const HearingWithdrawn = mediaStream.event('HearingWithdrawn', 1, z.object({ videoId, cause: z.string() }))
/**
 * `userId`: the user who asked; null for a hearing and for a worker's own job. `language`: of flashcards and quiz; by default
 * that of the transcript.
 */
export const MediaProcessingRequested = mediaStream.event(
  'MediaProcessingRequested',
  1,
  z.object({ ...ofJob, attempt, userId: userId.nullable(), language: language.optional() }),
)
/** The message is in the workers' queue; `messageId` is the queue's id for it. */
export const MediaProcessingDispatched = mediaStream.event(
  'MediaProcessingDispatched',
  1,
  z.object({ ...ofJob, attempt, messageId: z.string() }),
)
export const MediaProcessingStarted = mediaStream.event('MediaProcessingStarted', 1, z.object(ofJob))
/** Recorded now and then. `percent`: of the step. */
export const MediaProgressed = mediaStream.event(
  'MediaProgressed',
  1,
  z.object({ ...ofJob, step: z.enum(MEDIA_STEPS), percent: z.int().min(0).max(100) }),
)
/** A worker gave the job back. The queue delivers its message again, unless the worker has deleted it (`messageGone`). */
export const MediaProcessingInterrupted = mediaStream.event(
  'MediaProcessingInterrupted',
  1,
  z.object({ ...ofJob, cause: z.string(), messageGone: z.literal(true).optional() }),
)
/**
 * The job is done. `study`: the flashcards and quiz, unless `missing` says why there are none. `audio`: where the sound is
 * stored, if the job included a hearing.
 */
export const MediaProcessed = mediaStream.event(
  'MediaProcessed',
  1,
  z.object({
    ...ofJob,
    audio: object.optional(),
    study: z.object({ language, flashcards: Flashcards, quiz: Quiz, model: z.string().optional() }).optional(),
    missing: z.string().optional(),
  }),
)
/** `permanent`: the video can never be processed, so nothing asks again automatically. */
export const MediaProcessingFailed = mediaStream.event(
  'MediaProcessingFailed',
  1,
  z.object({ ...ofJob, cause: z.string(), permanent: z.literal(true).optional() }),
)

export const mediaEvents = [
  HearingAwaited,
  HearingWithdrawn,
  MediaProcessingRequested,
  MediaProcessingDispatched,
  MediaProcessingStarted,
  MediaProgressed,
  MediaProcessingInterrupted,
  MediaProcessed,
  MediaProcessingFailed,
] as const
export type MediaEvent = EventFrom<(typeof mediaEvents)[number]>

// State -----------------------------------------------------------------

/** The newest job of a video. */
export interface Media {
  status: 'awaited' | 'withdrawn' | 'queued' | 'processing' | 'completed' | 'failed'
  /** 0 while the first hearing is only awaited. */
  jobId: number
  userId: number | null
  language?: string
  /** Number of the last message. */
  attempt: number
  /** True when the last message is in the queue, or when a worker has begun and the message is no longer needed. */
  isSent: boolean
  /** Time of the last news of the job, in milliseconds since the epoch. */
  since: number
  step?: MediaStep
  percent?: number
  /** Set when it failed permanently. */
  isHopeless?: true
  /** Languages that have flashcards and a quiz, the newest first. */
  studies: string[]
}

export const evolveMedia = (state: Media | undefined, event: MediaEvent): Media | undefined => {
  const since = event.time
  if (event.type === 'HearingAwaited') {
    const { jobId = 0, studies = [] } = state ?? {}
    return { status: 'awaited', jobId, userId: null, attempt: 0, isSent: false, since, studies }
  }
  if (event.type === 'MediaProcessingRequested') {
    const { jobId, userId, language, attempt } = event.data
    const { studies = [] } = state ?? {}
    return { status: 'queued', jobId, userId, ...(language && { language }), attempt, isSent: false, since, studies }
  }
  if (!state) return state
  switch (event.type) {
    case 'HearingWithdrawn':
      return { ...state, status: 'withdrawn', since }
    case 'MediaProcessingDispatched':
      return { ...state, isSent: true, since }
    case 'MediaProcessingStarted': {
      const { step: _, percent: __, ...job } = state
      return { ...job, status: 'processing', isSent: true, since }
    }
    case 'MediaProgressed': {
      const { step, percent } = event.data
      // A worker is active: a message that is not sent yet must not be sent.
      return { ...state, status: 'processing', step, percent, isSent: true, since }
    }
    case 'MediaProcessingInterrupted':
      return { ...state, status: 'queued', since }
    case 'MediaProcessed': {
      const made = event.data.study?.language
      const studies = made === undefined ? state.studies : [made, ...state.studies.filter((other) => other !== made)]
      return { ...state, status: 'completed', since, studies }
    }
    case 'MediaProcessingFailed':
      return { ...state, status: 'failed', since, ...(event.data.permanent && { isHopeless: true as const }) }
    default:
      return noCaseFor(event)
  }
}

export const mediaJobs = decider<Media, MediaEvent>(mediaStream, 2, evolveMedia, { ids: ['media'] })

export type OpenMedia = Media & { status: 'queued' | 'processing' }
/** Whether a worker has the job or will get it. */
export const isOpen = (state: Media | undefined): state is OpenMedia =>
  state?.status === 'queued' || state?.status === 'processing'

const isGivenUp = (media: Media) => media.status === 'failed' && !media.isHopeless

/**
 * Whether a worker should go on. True also for a job that was given up, since its message may have come late; false after a
 * permanent failure.
 */
const isWanted = (media: Media) => isOpen(media) || isGivenUp(media)

// Daily limits ------------------------------------------------------------

/** The counter of jobs on the day (UTC) of a moment. Times in milliseconds since the epoch. */
const jobOfDay = (who: string, now: number, most: number, refused: Rejection): Count => ({
  name: `media ${who} ${dayOf(now)}`,
  add: 1,
  bound: { most, refused },
  until: midnightAfter(now),
})

// Requests --------------------------------------------------------------

/** Whether flashcards and a quiz exist in that language; in any language if undefined. */
export const hasStudy = ({ studies }: Pick<Media, 'studies'>, language: string | undefined) =>
  language === undefined ? studies.length > 0 : studies.includes(language)

/**
 * Requests flashcards and a quiz, unless a job is open or they exist in that language.
 *
 * @param quota jobs that a user may request per day (UTC)
 */
export const requestStudy = ({
  videoId,
  userId,
  language,
  quota,
}: {
  videoId: string
  userId: number
  language?: string | undefined
  quota: number
}) =>
  command({
    name: 'requestStudy',
    reads: { media: mediaJobs.of(videoId), video: videos.of(videoId) },
    ids: ['media'],
    decide: ({ media, video }, { now, ids }): Decision<Media> => {
      if (!video) return reject('NOT_FOUND', 'Video not found')
      if (media && (isOpen(media) || hasStudy(media, language))) return nothing(media)
      const requested = MediaProcessingRequested({ videoId, jobId: ids.media, attempt: 1, userId, language })
      const refused = dayIsUsedUp(`Daily limit reached (${quota} videos/day)`, now)
      return emit([requested], after(media, requested, now), { counts: [jobOfDay(`user-${userId}`, now, quota, refused)] })
    },
  })

const after = (media: Media | undefined, event: NewEvent, now: number) =>
  evolveMedia(media, { ...event, time: now } as unknown as MediaEvent)!

/** A job failed permanently or found no speech: another attempt would end the same way. */
const wasInVain = (media: Media | undefined, video: Video) =>
  media?.isHopeless || (media?.status === 'completed' && !hasTranscript(video))

/**
 * Makes a video without captions wait for a hearing, unless one is under way or another one would be in vain. It begins once the
 * daily limit allows it.
 */
export const awaitHearing = ({ videoId }: { videoId: string }) =>
  command({
    name: 'awaitHearing',
    reads: { media: mediaJobs.of(videoId), video: videos.of(videoId) },
    decide: ({ media, video }) => {
      const isUnderWay = isOpen(media) || media?.status === 'awaited'
      return !video || hasTranscript(video) || isUnderWay || wasInVain(media, video)
        ? nothing({})
        : emit([HearingAwaited({ videoId })], {})
    },
  })

/** Begins an awaited hearing. Rejected when `perDay` hearings have begun on this day (UTC). */
export const beginHearing = ({ videoId, perDay }: { videoId: string; perDay: number }) =>
  command({
    name: 'beginHearing',
    reads: { media: mediaJobs.of(videoId), video: videos.of(videoId) },
    ids: ['media'],
    decide: ({ media, video }, { now, ids }) => {
      if (media?.status !== 'awaited') return nothing({})
      if (hasTranscript(video)) return emit([HearingWithdrawn({ videoId, cause: 'the video has a transcript by now' })], {})
      const requested = MediaProcessingRequested({ videoId, jobId: ids.media, attempt: 1, userId: null })
      const refused = dayIsUsedUp(`as many videos were heard today as MEDIA_FALLBACK_DAILY allows (${perDay})`, now)
      return emit([requested], {}, { counts: [jobOfDay('fallback', now, perDay, refused)] })
    },
  })

// Sending ---------------------------------------------------------------

interface OfAttempt {
  videoId: string
  jobId: number
  attempt: number
}

const isUnsent = (media: Media | undefined, { jobId, attempt }: OfAttempt): boolean =>
  media?.status === 'queued' && media.jobId === jobId && media.attempt === attempt && !media.isSent

/** Whether a message still has to be sent to the workers; changes nothing. */
export const findUnsentMedia = (of: OfAttempt) =>
  command({
    name: 'findUnsentMedia',
    reads: { media: mediaJobs.of(of.videoId) },
    decide: ({ media }) => nothing({ isUnsent: isUnsent(media, of) }),
  })

/** Data of a message to workers beside the job: the video's number, and the e-mail of the user who asked. Changes nothing. */
export const findForMessage = ({ videoId, userId }: { videoId: string; userId: number | null }) =>
  command({
    name: 'findForMessage',
    // Accounts are numbered from 1, so user 0 does not exist.
    reads: { video: videos.of(videoId), user: users.of(userId ?? 0) },
    decide: ({ video, user }): Decision<{ number: number; email: string | null }> =>
      video ? nothing({ number: video.id, email: user?.email || null }) : reject('NOT_FOUND', 'Video not found'),
  })

/** Records that a message is in the workers' queue. */
export const recordMediaDispatch = ({ messageId, ...of }: OfAttempt & { messageId: string }) =>
  command({
    name: 'recordMediaDispatch',
    reads: { media: mediaJobs.of(of.videoId) },
    decide: ({ media }) => emit(isUnsent(media, of) ? [MediaProcessingDispatched({ ...of, messageId })] : [], {}),
  })

// Reports of workers --------------------------------------------------------

/** The answer to a worker's report. The worker goes on as long as the job is open. */
export interface JobSeen {
  media: Media
  video: Video | null
}

const noSuchJob = () => reject('NOT_FOUND', 'There is no such job')

/** The streams that a report is decided on. */
const seenBy = (videoId: string) => ({ media: mediaJobs.of(videoId), video: videos.of(videoId) })

/**
 * A worker begins. A message without a job comes from another sender than this system; it begins a job, unless the video was
 * processed before. A job that was given up while its message waited in the queue is resumed.
 *
 * @param jobId undefined when the message names none
 */
export const startMedia = ({ videoId, jobId }: { videoId: string; jobId: number | undefined }) =>
  command({
    name: 'startMedia',
    reads: seenBy(videoId),
    ids: ['media'],
    decide: ({ media, video = null }, { now, ids }): Decision<JobSeen> => {
      if (!video) return reject('NOT_FOUND', 'Video not found')
      if (jobId === undefined && !isOpen(media)) {
        // A message without a job may be delivered twice.
        if (media?.status === 'completed' && media.studies.length > 0) return nothing({ media, video })
        const requested = MediaProcessingRequested({ videoId, jobId: ids.media, attempt: 1, userId: null })
        const started = MediaProcessingStarted({ videoId, jobId: ids.media })
        return emit([requested, started], { media: after(after(media, requested, now), started, now), video })
      }
      if (!media || (jobId !== undefined && media.jobId !== jobId)) return noSuchJob()
      if (!isWanted(media)) return nothing({ media, video })
      const started = MediaProcessingStarted({ videoId, jobId: media.jobId })
      return emit([started], { media: after(media, started, now), video })
    },
  })

/** Progress is recorded at most this often, unless a new step begins or the percentage rose by MUCH_PERCENT. */
const RARELY_MS = 5 * 60_000
const MUCH_PERCENT = 10

const placeOf = (step: MediaStep | undefined) => (step === undefined ? -1 : MEDIA_STEPS.indexOf(step))

/** An earlier step is no news: after a duplicate message, two workers may have the same job. */
const isNews = (media: Media, { step, percent }: Progress, now: number, rarelyMs: number) =>
  media.status !== 'processing' ||
  placeOf(step) > placeOf(media.step) ||
  (step === media.step && percent >= (media.percent ?? 0) + MUCH_PERCENT) ||
  now - media.since >= rarelyMs

interface OfJob {
  videoId: string
  jobId: number
}

interface Progress {
  step: MediaStep
  percent: number
}

/**
 * Records a worker's progress. Few events suffice: they only show that somebody still works on the job.
 *
 * @param rarelyMs must be less than the silence after which the message is sent again
 */
export const progressMedia = ({ step, percent, rarelyMs = RARELY_MS, ...of }: OfJob & Progress & { rarelyMs?: number }) =>
  command({
    name: 'progressMedia',
    reads: seenBy(of.videoId),
    decide: ({ media, video = null }, { now }): Decision<JobSeen> => {
      if (media?.jobId !== of.jobId) return noSuchJob()
      if (!isWanted(media) || !isNews(media, { step, percent }, now, rarelyMs)) return nothing({ media, video })
      const progressed = MediaProgressed({ ...of, step, percent })
      return emit([progressed], { media: after(media, progressed, now), video })
    },
  })

/**
 * A worker has transcribed the speech. The transcript is used, or set aside if the video has another one; also when the job has
 * ended meanwhile.
 */
export const hearMedia = ({ transcript, ...of }: OfJob & { transcript: StoredTranscript }) =>
  command({
    name: 'hearMedia',
    reads: seenBy(of.videoId),
    decide: ({ media, video }, { now }): Decision<JobSeen> => {
      if (media?.jobId !== of.jobId || !video) return noSuchJob()
      const news = withTranscript(video, of.videoId, transcript)
      const progress = { step: 'transcript' as const, percent: 100 }
      const progressed =
        isWanted(media) && isNews(media, progress, now, RARELY_MS) ? [MediaProgressed({ ...of, ...progress })] : []
      const heard = news.reduce((video, event) => evolveVideo(video, { ...event, time: now } as unknown as VideoEvent)!, video)
      return emit([...progressed, ...news], {
        media: progressed.reduce((media, event) => after(media, event, now), media),
        video: heard,
      })
    },
  })

export type MediaOutcome = Pick<z.input<typeof MediaProcessed.data>, 'audio' | 'study' | 'missing'>

/**
 * A worker is done. Accepted also after the job was given up. A second completion changes nothing, unless it brings flashcards
 * and a quiz in a language that had none.
 */
export const completeMedia = ({ videoId, jobId, ...outcome }: OfJob & MediaOutcome) =>
  command({
    name: 'completeMedia',
    reads: seenBy(videoId),
    decide: ({ media, video = null }, { now }): Decision<JobSeen> => {
      if (media?.jobId !== jobId) return noSuchJob()
      const isNews = outcome.study && !hasStudy(media, outcome.study.language)
      if (media.status === 'completed' && !isNews) return nothing({ media, video })
      const processed = MediaProcessed({ videoId, jobId, ...outcome })
      return emit([processed], { media: after(media, processed, now), video })
    },
  })

interface Failure {
  cause: string
  permanent?: true | undefined
  /** The worker gives its message back: the job goes on. */
  comesAgain?: boolean
  /** The worker only reports that it deleted its message: the job needs another one. */
  messageGone?: true | undefined
}

/** A worker gives the job back, or says that it failed. A permanent failure is recorded also after the job was given up. */
export const failMedia = ({ cause, messageGone, ...of }: OfJob & Failure) =>
  command({
    name: 'failMedia',
    reads: seenBy(of.videoId),
    decide: ({ media, video = null }, { now }): Decision<JobSeen> => {
      const { videoId, jobId, permanent, comesAgain } = of
      if (media?.jobId !== jobId) return noSuchJob()
      const isNews = isOpen(media) || (permanent && !comesAgain && isGivenUp(media))
      if (!isNews) return nothing({ media, video })
      const failed = comesAgain
        ? MediaProcessingInterrupted({ videoId, jobId, cause, messageGone })
        : MediaProcessingFailed({ videoId, jobId, cause, permanent })
      return emit([failed], { media: after(media, failed, now), video })
    },
  })

// Retries ---------------------------------------------------------------

export const MEDIA_TRIES = 3

/** Sends the message again when no news of the job came for `silenceMs`, or gives up after MEDIA_TRIES. */
export const askMediaAgain = ({ videoId, silenceMs }: { videoId: string; silenceMs: number }) =>
  command({
    name: 'askMediaAgain',
    reads: { media: mediaJobs.of(videoId) },
    decide: ({ media }, { now }) => {
      if (!isOpen(media) || !media.isSent || media.since + silenceMs > now) return nothing({})
      const { jobId, attempt, userId, language } = media
      const of = { videoId, jobId }
      if (attempt < MEDIA_TRIES) return emit([MediaProcessingRequested({ ...of, attempt: attempt + 1, userId, language })], {})
      return emit([MediaProcessingFailed({ ...of, cause: `no worker answered, asked ${attempt} times` })], {})
    },
  })

/** Finds the job and the video, null if there is none; changes nothing. */
export const findMedia = ({ videoId }: { videoId: string }) =>
  command({
    name: 'findMedia',
    reads: { media: mediaJobs.of(videoId), video: videos.of(videoId) },
    decide: ({ media = null, video = null }) => nothing({ media, video }),
  })
