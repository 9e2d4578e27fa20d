import { expect } from 'chai'
import {
  AiNoteAwaited,
  AiNoteRequested,
  JobAnswered,
  JobDispatched,
  JobGivenUp,
  JobWithdrawn,
  SummaryRequested,
} from '#events/ai.ts'
import {
  HearingAwaited,
  MediaProcessed,
  MediaProcessingDispatched,
  MediaProcessingFailed,
  MediaProcessingInterrupted,
  MediaProcessingRequested,
  MediaProcessingStarted,
  MediaProgressed,
} from '#events/media.ts'
import { NoteCreated, NoteDeleted, NoteEdited, NoteWrittenByAi } from '#events/note.ts'
import { TaskAttemptFailed, TaskClaimed, TaskCompleted, TaskScheduled } from '#events/task.ts'
import { ProfileUpdated, UserRegistered } from '#events/user.ts'
import { TranscriptStored, VideoAdded } from '#events/video.ts'
import { type Situation, sentencesOf } from '#services/operations/story/sentences.ts'
import { BEGINNING } from '#test/kit/world.ts'
import { type Happening, history } from './history.ts'

const videoId = 'dQw4w9WgXcQ'
const notKept = { error: null, place: null, pattern: null }
const [SECOND, MINUTE] = [1_000, 60_000]
const ofNote = { request: 'note-42', videoId }
const asked = (attempt: number) => AiNoteRequested({ ...ofNote, noteId: 42, userId: 7, timestamp: '0:43', attempt })
const sent = (attempt: number) => JobDispatched({ ...ofNote, attempt, messageId: `m-${attempt}` })
const ofTask = { taskId: 1, videoId, kind: 'transcript' as const }
const at = (ms: number) => new Date(BEGINNING + ms).toISOString()

const user: Happening = [UserRegistered({ userId: 7, email: 'a@example.com', name: null, imageUrl: null })]
const willing: Happening = [ProfileUpdated({ userId: 7, aiNotes: true })]
const video: Happening = [VideoAdded({ videoId, id: 1, title: null })]
const note = (timestamp = '0:43'): Happening => [NoteCreated({ noteId: 42, videoId, userId: 7, timestamp, text: null })]
const awaited: Happening = [AiNoteAwaited({ ...ofNote, noteId: 42, userId: 7, timestamp: '0:43' })]
const transcript: Happening = [TranscriptStored({ videoId, s3Key: 'k', rows: 3, sizeBytes: 1, sha256: 'x', endSeconds: 90 })]
const scheduled = (dueAt = BEGINNING): Happening => [TaskScheduled({ ...ofTask, dueAt })]
const claimed = (attempt = 1, leaseMs = 120 * SECOND): Happening => [
  TaskClaimed({ ...ofTask, attempt, leaseEndsAt: BEGINNING + leaseMs }),
]
const after = ([event, more]: Happening, afterMs: number): Happening => [event, { ...more, afterMs }]
const waiting = [user, willing, video, note(), awaited]

const STREAMS = ['note-42', 'ai-note-42', `task-transcript-${videoId}`]
const CONSUMERS = ['ai-notes', 'sqs-bridge']

/** What is said so long after a history. */
const said = (happenings: Happening[], afterMs = 0, more: Partial<Situation> = {}) => {
  const { now, ...told } = history(...happenings)
  const policy = { answerMs: 15 * MINUTE, maxTries: 3, maxAttempts: 3 }
  const nothing = { late: [], parked: [], consumers: CONSUMERS }
  return sentencesOf({ ...told, now: now + afterMs, streams: STREAMS, policy, ...nothing, ...more })
}

const WAITS = `note-42 waits for the transcript of video ${videoId}: `

interface Case {
  given: Happening[]
  afterMs?: number
  more?: Partial<Situation>
  says: string[]
}

const ofJob = { videoId, jobId: 3 }
const job = (attempt: number) => MediaProcessingRequested({ ...ofJob, attempt, userId: null })
const hearing: Happening[] = [
  [job(1)],
  [MediaProcessingDispatched({ ...ofJob, attempt: 1, messageId: 'm' })],
  [MediaProcessingStarted(ofJob)],
]
const captionless: Happening[] = [
  ...waiting,
  scheduled(),
  claimed(),
  [TaskAttemptFailed({ ...ofTask, attempt: 1, error: 'there are no captions', restUntil: BEGINNING + MINUTE, permanent: true })],
]

const cases: Record<string, Case> = {
  'a task that nobody has asked for yet': {
    given: [...waiting, scheduled()],
    afterMs: 3 * SECOND,
    says: [`${WAITS}the task has waited for a worker for 3 s, attempt 1 of 3`],
  },
  'a task that does not exist yet, and who makes it': {
    given: waiting,
    more: { late: [{ consumer: 'fetch-scheduler', events: 1 }] },
    says: [`${WAITS}no task is scheduled for it yet`, 'fetch-scheduler has not come to all of this yet: it is 1 event behind'],
  },
  'a task in the hands of a worker': {
    given: [...waiting, scheduled(), claimed(2)],
    afterMs: 3 * SECOND,
    says: [`${WAITS}the task has been in hand for 3 s, attempt 2 of 3`],
  },
  'a worker that did not answer': {
    given: [...waiting, scheduled(), claimed(1, SECOND)],
    afterMs: 3 * SECOND,
    says: [`${WAITS}the worker did not answer in time, attempt 1 of 3; the next one that asks gets the task`],
  },
  'a task that rests after a failure': {
    given: [
      ...waiting,
      scheduled(),
      claimed(),
      [TaskAttemptFailed({ ...ofTask, attempt: 1, error: 'no network', retryAt: BEGINNING + 500 })],
    ],
    says: [`${WAITS}the task rests until ${at(500)}, because: no network`],
  },
  'a task that may be tried again after a failure': {
    given: [
      ...waiting,
      scheduled(),
      claimed(),
      [TaskAttemptFailed({ ...ofTask, attempt: 1, error: 'no network', retryAt: BEGINNING + 500 })],
    ],
    afterMs: 2_500,
    says: [`${WAITS}the task has waited for a worker for 2 s, attempt 2 of 3, because: no network`],
  },
  'a video that is dead': {
    given: [
      ...waiting,
      scheduled(),
      claimed(),
      [TaskAttemptFailed({ ...ofTask, attempt: 1, error: 'Private video', restUntil: BEGINNING + MINUTE, permanent: true })],
    ],
    says: [
      `${WAITS}the task failed, because: Private video; the next note on the video has it tried again, but not before ${at(MINUTE)}`,
    ],
  },
  'a worker that found no captions': {
    given: [...waiting, scheduled(), claimed(), [TaskCompleted({ ...ofTask, attempt: 1, restUntil: BEGINNING + MINUTE })]],
    afterMs: 2 * MINUTE,
    says: [`${WAITS}the worker found none; the next note on the video has it tried again`],
  },
  'a video without captions that is to be heard': {
    given: [...captionless, [HearingAwaited({ videoId })]],
    says: [`${WAITS}no captions; it is heard when the limit of the day allows (MEDIA_FALLBACK_DAILY)`],
  },
  'a video that shall be heard, where nobody carries jobs': {
    given: [...captionless, [HearingAwaited({ videoId })], [job(1)]],
    says: [`${WAITS}no captions; job 3 waits for the bridge (no media-bridge has run here)`],
  },
  'a video that waits for somebody who hears it': {
    given: [...captionless, [job(2)], [MediaProcessingDispatched({ ...ofJob, attempt: 2, messageId: 'm' })]],
    afterMs: 5 * MINUTE,
    says: [`${WAITS}no captions; job 3, asked a 2nd time has waited for a worker for 5 min`],
  },
  'a video that a worker hears': {
    given: [...captionless, ...hearing, [MediaProgressed({ ...ofJob, step: 'transcript', percent: 40 })]],
    afterMs: 12 * SECOND,
    says: [`${WAITS}no captions; a worker hears it: transcript 40 %, 12 s ago`],
  },
  'a video that a worker gave back': {
    given: [...captionless, ...hearing, [MediaProcessingInterrupted({ ...ofJob, cause: 'the worker was told to stop' })]],
    says: [`${WAITS}no captions; job 3 has waited for a worker for 0 ms, given back by one: the worker was told to stop`],
  },
  'a video that nobody could hear': {
    given: [...captionless, ...hearing, [MediaProcessingFailed({ ...ofJob, cause: 'it lasts 12 hours' })]],
    says: [`${WAITS}no captions; a worker could not hear it: it lasts 12 hours`],
  },
  'a job that failed': {
    more: { streams: [`media-${videoId}`] },
    given: [video, ...hearing, [MediaProcessingFailed({ ...ofJob, cause: 'no sound' })]],
    says: [
      `job 3 on video ${videoId} failed: no sound; a request for its flashcards tries it again (POST /v2/videos/${videoId}/study)`,
    ],
  },
  'a job that is done without flashcards': {
    more: { streams: [`media-${videoId}`] },
    given: [video, ...hearing, [MediaProcessed({ ...ofJob, missing: 'no key' })]],
    says: [`job 3 on video ${videoId} made no flashcards: no key`],
  },
  'a transcript that has just come': {
    given: [...waiting, transcript],
    more: { late: [{ consumer: 'ai-notes', events: 2 }] },
    says: [
      `${WAITS}it is there, and ai-notes has yet to see it`,
      'ai-notes has not come to all of this yet: it is 2 events behind',
    ],
  },
  'a question that the bridge has yet to see': {
    given: [...waiting, transcript, [asked(1)]],
    more: { late: [{ consumer: 'sqs-bridge', events: 3 }] },
    says: ['note-42 was asked for, and waits for the bridge (sqs-bridge is 3 events behind)'],
  },
  'a question where there is no bridge': {
    given: [...waiting, transcript, [asked(1)]],
    more: { consumers: ['ai-notes'] },
    says: ['note-42 was asked for, and waits for the bridge (no sqs-bridge has run here)'],
  },
  'a question in the queue': {
    given: [...waiting, transcript, [asked(1)], [sent(1)]],
    afterMs: 12 * SECOND,
    says: [
      'note-42 was asked for, and has been in the queue for 12 s (message m-1); without an answer it is asked again in 14 min 48 s',
    ],
  },
  'a question that was asked before': {
    given: [...waiting, transcript, [asked(1)], [sent(1)], after([asked(2)], 15 * MINUTE), [sent(2)]],
    afterMs: 12 * SECOND,
    says: [
      'note-42 was asked for a 2nd time (no answer within 15 min), and has been in the queue for 12 s (message m-2); without an answer it is asked again in 14 min 48 s',
    ],
  },
  'a question that was asked for the last time': {
    given: [...waiting, transcript, [asked(1)], [asked(2)], [asked(3)], [sent(3)]],
    afterMs: 16 * MINUTE,
    says: [
      'note-42 was asked for a 3rd time (no answer within 15 min), and has been in the queue for 16 min (message m-3); it is about to be given up',
    ],
  },
  'a request that was given up': {
    given: [...waiting, transcript, [asked(1)], [sent(1)], [JobGivenUp({ ...ofNote, attempt: 1, cause: 'no answer came' })]],
    says: ['note-42 was given up: no answer came; redrive with: npx vidwiz requests redrive note-42'],
  },
  'a request that nobody needs any more': {
    given: [...waiting, [JobWithdrawn({ ...ofNote, cause: 'nothing is said at its timestamp' })]],
    says: ['no model is asked for note-42 any more: nothing is said at its timestamp'],
  },
  'a note that was written': {
    given: [
      ...waiting,
      transcript,
      [asked(1)],
      [sent(1)],
      after([NoteWrittenByAi({ noteId: 42, videoId, userId: 7, text: 'a line' })], 14_200),
      [JobAnswered({ ...ofNote, attempt: 1 })],
    ],
    says: ['note-42 was written by a model, 14 s after it was taken'],
  },
  'a note that its author wrote': {
    given: [
      ...waiting,
      [NoteEdited({ noteId: 42, videoId, userId: 7, text: 'mine' })],
      [JobWithdrawn({ ...ofNote, cause: 'x' })],
      transcript,
    ],
    says: [],
  },
  'a note that is gone': {
    given: [...waiting, [NoteDeleted({ noteId: 42, videoId, userId: 7 })], transcript],
    says: ['note-42 was deleted'],
  },
  'an author who does not want notes by AI': {
    given: [user, video, note(), transcript],
    says: ['note-42 is empty, and no model is asked for its text: user-7 does not want notes by AI'],
  },
  'an author who changed their mind too late': {
    given: [user, video, note(), transcript, after(willing, SECOND)],
    says: [
      `note-42 is empty, and no model is asked for its text: user-7 turned notes by AI on after note and transcript were there, at ${at(SECOND)}`,
    ],
  },
  'a timestamp at which nothing is said': {
    given: [user, willing, video, note('9:59'), transcript],
    says: ['note-42 is empty, and no model is asked for its text: nothing is said at its timestamp, 9:59'],
  },
  'a note that ai-notes has yet to see': {
    given: [user, willing, video, note(), transcript],
    more: { late: [{ consumer: 'ai-notes', events: 1 }] },
    says: [
      'note-42 is empty, and no model is asked for its text: ai-notes has not come to it yet',
      'ai-notes has not come to all of this yet: it is 1 event behind',
    ],
  },
  'a note where nobody asks models for anything': {
    given: [user, willing, video, note(), transcript],
    more: { consumers: [] },
    says: ['note-42 is empty, and no model is asked for its text: no ai-notes has run here'],
  },
  'a summary': {
    given: [video, transcript, [SummaryRequested({ request: `summary-${videoId}`, videoId, attempt: 1 })]],
    more: { streams: [`video-${videoId}`, `ai-summary-${videoId}`] },
    says: [`the summary of video ${videoId} was asked for, and waits for the bridge (sqs-bridge is not behind)`],
  },
  'a video by itself': {
    given: [video, scheduled(), claimed()],
    afterMs: SECOND,
    more: { streams: [`video-${videoId}`, `task-transcript-${videoId}`] },
    says: [`the transcript of video ${videoId} is not there yet: the task has been in hand for 1 s, attempt 1 of 3`],
  },
  'a video that a worker hears, once': {
    given: [...captionless, ...hearing],
    afterMs: SECOND,
    more: { streams: [`video-${videoId}`, `task-transcript-${videoId}`, `media-${videoId}`] },
    says: [`the transcript of video ${videoId} is not there yet: no captions; a worker hears it: it has begun, 1 s ago`],
  },
  'a video with notes that wait': {
    given: [...waiting, scheduled(), claimed()],
    afterMs: SECOND,
    more: { streams: [`video-${videoId}`, `task-transcript-${videoId}`, 'ai-note-42'] },
    says: [`${WAITS}the task has been in hand for 1 s, attempt 1 of 3`],
  },
  'what a consumer could not handle': {
    given: [video],
    more: {
      parked: [
        { consumer: 'ai-notes', stream: 'note-42', type: 'NoteCreated', pos: 4, state: 'failed', cause: 'a bug', ...notKept },
        { consumer: 'ai-notes', stream: 'note-42', type: 'NoteEdited', pos: 5, state: 'waiting', cause: null, ...notKept },
        { consumer: 'notes', stream: 'note-42', type: 'NoteEdited', pos: 6, state: 'skipped', cause: 'a test', ...notKept },
      ],
    },
    says: [
      'ai-notes could not handle NoteCreated of note-42: a bug; when that is fixed: npx vidwiz redrive ai-notes note-42 (or give it up: npx vidwiz skip ai-notes note-42 4 --reason "…")',
      'notes skipped NoteEdited of note-42: a test',
    ],
  },
}

describe('how things stand, in sentences', () => {
  for (const [what, { given, afterMs, more, says }] of Object.entries(cases))
    it(`tells of ${what}`, () => expect(said(given, afterMs, more)).to.deep.equal(says))
})
