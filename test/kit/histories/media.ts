import fc from 'fast-check'
import {
  askMediaAgain,
  awaitHearing,
  beginHearing,
  completeMedia,
  failMedia,
  HearingAwaited,
  HearingWithdrawn,
  hearMedia,
  MEDIA_STEPS,
  MediaProcessed,
  MediaProcessingDispatched,
  MediaProcessingFailed,
  MediaProcessingInterrupted,
  MediaProcessingRequested,
  MediaProcessingStarted,
  MediaProgressed,
  progressMedia,
  recordMediaDispatch,
  requestStudy,
  startMedia,
} from '#events/media.ts'
import { QUOTA, someTranscript, someUser, VIDEO } from './few.ts'
import { maybe, usually, wished } from './usually.ts'

export const STUDY = {
  language: 'en',
  flashcards: [1, 2, 3, 4, 5].map((n) => ({ front: `front ${n}`, back: `back ${n}` })),
  quiz: [1, 2, 3, 4, 5].map((n) => ({ question: `question ${n}?`, options: ['a', 'b', 'c', 'd'], correct_answer: n % 4 })),
}
const MEDIA_JOB = { videoId: VIDEO, jobId: 1 }
export const hearingAwaited = usually(HearingAwaited, { videoId: VIDEO })
export const hearingWithdrawn = usually(HearingWithdrawn, { videoId: VIDEO, cause: 'the video has a transcript by now' })
export const mediaRequested = usually(MediaProcessingRequested, { ...MEDIA_JOB, attempt: 1, userId: 1 })
export const mediaDispatched = usually(MediaProcessingDispatched, { ...MEDIA_JOB, attempt: 1, messageId: 'm-1' })
export const mediaStarted = usually(MediaProcessingStarted, MEDIA_JOB)
export const mediaProgressed = usually(MediaProgressed, { ...MEDIA_JOB, step: 'transcript', percent: 50 })
export const mediaInterrupted = usually(MediaProcessingInterrupted, { ...MEDIA_JOB, cause: 'the worker was told to stop' })
export const mediaProcessed = usually(MediaProcessed, { ...MEDIA_JOB, study: STUDY })
export const mediaFailed = usually(MediaProcessingFailed, { ...MEDIA_JOB, cause: 'the video is private' })

const someStudy = fc.constantFrom('en', 'hi', 'pt-BR').map((language) => ({ ...STUDY, language }))
const someMediaJob = { videoId: fc.constant(VIDEO), jobId: fc.integer({ min: 1, max: 4 }) }

/** Random commands. */
export const mediaWishes = {
  requestStudy: wished(
    3,
    requestStudy,
    fc.record({
      videoId: fc.constant(VIDEO),
      userId: someUser,
      language: maybe(fc.constantFrom('en', 'hi')),
      quota: fc.constant(QUOTA),
    }),
  ),
  awaitHearing: wished(2, awaitHearing, fc.record({ videoId: fc.constant(VIDEO) })),
  beginHearing: wished(2, beginHearing, fc.record({ videoId: fc.constant(VIDEO), perDay: fc.constant(QUOTA) })),
  recordMediaDispatch: wished(
    3,
    recordMediaDispatch,
    fc.record({ ...someMediaJob, attempt: fc.integer({ min: 1, max: 3 }), messageId: fc.constant('m') }),
  ),
  startMedia: wished(
    3,
    startMedia,
    fc.record({ videoId: fc.constant(VIDEO), jobId: fc.option(someMediaJob.jobId, { nil: undefined }) }),
  ),
  progressMedia: wished(
    2,
    progressMedia,
    fc.record({ ...someMediaJob, step: fc.constantFrom(...MEDIA_STEPS), percent: fc.constantFrom(0, 5, 50, 100) }),
  ),
  hearMedia: wished(3, hearMedia, fc.record({ ...someMediaJob, transcript: someTranscript })),
  completeMedia: wished(2, completeMedia, fc.record({ ...someMediaJob, study: maybe(someStudy) })),
  failMedia: wished(
    2,
    failMedia,
    fc.record({
      ...someMediaJob,
      cause: fc.constant('c'),
      permanent: maybe(fc.constant(true as const)),
      comesAgain: fc.boolean(),
    }),
  ),
  askMediaAgain: wished(2, askMediaAgain, fc.record({ videoId: fc.constant(VIDEO), silenceMs: fc.constant(4_000) })),
}
