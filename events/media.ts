import { z } from 'zod'
import { id, userId, videoId } from './ids.ts'
import { type Count, command, type Decision, emit, nothing, type Rejection, reject } from './kit/command.ts'
import { dayIsUsedUp, dayOf, midnightAfter } from './kit/day.ts'
import type { NewEvent } from './kit/envelope.ts'
import { decider, type EventFrom, stream } from './kit/stream.ts'
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
 * What a media worker makes of a video: a transcript where there are no captions, flashcards and a quiz. Stream
 * `media-<YouTube's id>`: one job after the other, at most one of them open.
 */
export const mediaStream = stream<{ videoId: string }>('media', { topic, id: (e) => e.videoId, key: (e) => e.videoId })

export const MEDIA_STEPS = ['download', 'audio', 'transcript', 'study'] as const
export type MediaStep = (typeof MEDIA_STEPS)[number]

// Events ----------------------------------------------------------------

const jobId = id
/** Counts the messages of a job, from 1. */
const attempt = id
const ofJob = { videoId, jobId }
/** A tag such as `en` or `pt-BR`. */
export const language = z.string().regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/)
const object = z.object({ s3Key: z.string(), sizeBytes: z.int().nonnegative(), sha256: z.string() })

/** Nobody has captions for the video, so it is to be heard as soon as the limit of the day allows it. */
export const HearingAwaited = mediaStream.event('HearingAwaited', 1, z.object({ videoId }))
/** What was awaited is not needed any more. */
export const HearingWithdrawn = mediaStream.event('HearingWithdrawn', 1, z.object({ videoId, cause: z.string() }))
/** `userId`: who wants it; null when it was awaited. `language`: of the flashcards and the quiz; that of the transcript if not given. */
export const MediaProcessingRequested = mediaStream.event(
  'MediaProcessingRequested',
  1,
  z.object({ ...ofJob, attempt, userId: userId.nullable(), language: language.optional() }),
)
/** The workers' queue has the message; `messageId` is what the queue calls it. */
export const MediaProcessingDispatched = mediaStream.event(
  'MediaProcessingDispatched',
  1,
  z.object({ ...ofJob, attempt, messageId: z.string() }),
)
export const MediaProcessingStarted = mediaStream.event('MediaProcessingStarted', 1, z.object(ofJob))
/** Now and then. `percent`: of the step. */
export const MediaProgressed = mediaStream.event(
  'MediaProgressed',
  1,
  z.object({ ...ofJob, step: z.enum(MEDIA_STEPS), percent: z.int().min(0).max(100) }),
)
/** A worker gave the job back; its message comes again, unless the worker has deleted it (`messageGone`). */
export const MediaProcessingInterrupted = mediaStream.event(
  'MediaProcessingInterrupted',
  1,
  z.object({ ...ofJob, cause: z.string(), messageGone: z.literal(true).optional() }),
)
/**
 * The job is done. `study`: what was made, unless `missing` says why there is none. `audio`: where the sound lies, if it had to be
 * heard.
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
/** `permanent`: the video can never be processed, so nobody asks again by himself. */
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
  /** 0 as long as it is only awaited for the first time. */
  jobId: number
  userId: number | null
  language?: string
  /** Of the last message. */
  attempt: number
  /** Whether the queue has that message, or a worker was there without it. */
  isSent: boolean
  /** When something was last heard of it, in milliseconds since the epoch. */
  since: number
  step?: MediaStep
  percent?: number
  /** Whether it failed for good. */
  isHopeless?: true
  /** Languages in which there are flashcards and a quiz, the newest first. */
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
      // Somebody is at it: a message that is not sent yet is not sent any more.
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
      return state
  }
}

export const mediaJobs = decider<Media, MediaEvent>(mediaStream, 2, evolveMedia)

export type OpenMedia = Media & { status: 'queued' | 'processing' }
/** Whether a worker has the job, or will have it. */
export const isOpen = (state: Media | undefined): state is OpenMedia =>
  state?.status === 'queued' || state?.status === 'processing'

const isGivenUp = (media: Media) => media.status === 'failed' && !media.isHopeless

/** Whether a worker goes on with it: also one whose message came late, after the job was given up, unless that was for good. */
const isWanted = (media: Media) => isOpen(media) || isGivenUp(media)

// Limits of a day -----------------------------------------------------------

/** Counts jobs on the day (UTC) of a moment. Times in milliseconds since the epoch. */
const jobOfDay = (who: string, now: number, most: number, refused: Rejection): Count => ({
  name: `media ${who} ${dayOf(now)}`,
  add: 1,
  bound: { most, refused },
  until: midnightAfter(now),
})

// Asking ----------------------------------------------------------------

/** Whether there is already what a request would bring. */
export const hasStudy = ({ studies }: Pick<Media, 'studies'>, language: string | undefined) =>
  language === undefined ? studies.length > 0 : studies.includes(language)

/**
 * Has flashcards and a quiz made, unless a job is open or there are some in that language.
 * @param quota jobs that a user may ask for in a day (UTC)
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

/** A job that is done and left no transcript: nothing is said in the video, and nothing would be the next time. */
const wasInVain = (media: Media | undefined, video: Video) =>
  media?.isHopeless || (media?.status === 'completed' && !hasTranscript(video))

/** Has a video heard for which nobody has captions, unless that was tried in vain. It waits until the limit of the day allows it. */
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

/** Begins a hearing that was awaited. Refused when as many have begun on this day (UTC) as `perDay` allows. */
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

/** Whether a message still waits to be handed to the workers; changes nothing. */
export const findUnsentMedia = (of: OfAttempt) =>
  command({
    name: 'findUnsentMedia',
    reads: { media: mediaJobs.of(of.videoId) },
    decide: ({ media }) => nothing({ isUnsent: isUnsent(media, of) }),
  })

/** What a message to workers says beside the job: the number of the video, and who asked. Changes nothing. */
export const findForMessage = ({ videoId, userId }: { videoId: string; userId: number | null }) =>
  command({
    name: 'findForMessage',
    // Accounts are numbered from 1.
    reads: { video: videos.of(videoId), user: users.of(userId ?? 0) },
    decide: ({ video, user }): Decision<{ number: number; email: string | null }> =>
      video ? nothing({ number: video.id, email: user?.email || null }) : reject('NOT_FOUND', 'Video not found'),
  })

/** Records that the workers' queue has a message. */
export const recordMediaDispatch = ({ messageId, ...of }: OfAttempt & { messageId: string }) =>
  command({
    name: 'recordMediaDispatch',
    reads: { media: mediaJobs.of(of.videoId) },
    decide: ({ media }) => emit(isUnsent(media, of) ? [MediaProcessingDispatched({ ...of, messageId })] : [], {}),
  })

// What workers report -------------------------------------------------------

/** What a worker is told of a job; it goes on as long as the job is open. */
export interface JobSeen {
  media: Media
  video: Video | null
}

const noSuchJob = () => reject('NOT_FOUND', 'There is no such job')

/** All that a report of a worker is decided on. */
const seenBy = (videoId: string) => ({ media: mediaJobs.of(videoId), video: videos.of(videoId) })

/**
 * A worker begins. A message that names no job, from somebody else than us, begins one, unless the video has been done already.
 * A job that was given up because its message waited for too long in the queue is taken up again.
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
        // A message without a job may come twice as well.
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

/** Progress is recorded that often at most, unless a step begins or has come this much further. */
const RARELY_MS = 5 * 60_000
const MUCH_PERCENT = 10

const placeOf = (step: MediaStep | undefined) => (step === undefined ? -1 : MEDIA_STEPS.indexOf(step))

/** A step that lies behind is not news: two workers may have the job, when a message came twice. */
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
 * A worker has come so far. Recorded rarely: often enough to tell a slow job from one that nobody works on.
 * @param rarelyMs less than the silence after which a message is sent again
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

/** A worker has heard the video. That is its transcript from now on, or lies beside the one it has; also when the job has ended meanwhile. */
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

export type Outcome = Pick<z.input<typeof MediaProcessed.data>, 'audio' | 'study' | 'missing'>

/**
 * A worker is done. Late is better than never: also after the job was given up. What comes second changes nothing, unless it brings
 * flashcards and a quiz that there are not.
 */
export const completeMedia = ({ videoId, jobId, ...outcome }: OfJob & Outcome) =>
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
  /** The job has not ended. */
  comesAgain?: boolean
  /** Only that the worker has deleted its message, so the job needs another one. */
  messageGone?: true | undefined
}

/**
 * A worker could not do it and gives the message back, or says that it has ended. That a video can never be processed is heard also
 * after the job was given up.
 */
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

// Patience --------------------------------------------------------------

export const MEDIA_TRIES = 3

/** Sends the message once more when nothing was heard of the job for `silenceMs`, or gives up. */
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

/** Whether there is such a job, and what is known of its video; changes nothing. */
export const findMedia = ({ videoId }: { videoId: string }) =>
  command({
    name: 'findMedia',
    reads: { media: mediaJobs.of(videoId), video: videos.of(videoId) },
    decide: ({ media = null, video = null }) => nothing({ media, video }),
  })
