import fc from 'fast-check'
import type { z } from 'zod'
import {
  AiNoteAwaited,
  AiNoteRequested,
  type AnswerPolicy,
  aiEvents,
  askAgain,
  askForNote,
  askForSummary,
  JobAnswered,
  JobDispatched,
  JobGivenUp,
  JobWithdrawn,
  recordDispatch,
  redriveRequest,
  SummaryRequested,
  settleNote,
  settleSummary,
} from '#events/ai.ts'
import {
  ConversationStarted,
  completeReply,
  conversationEvents,
  failReply,
  MessageSent,
  ReplyCompleted,
  ReplyFailed,
  sendMessage,
  startConversation,
} from '#events/conversation.ts'
import type { Command } from '#events/kit/command.ts'
import type { NewEvent } from '#events/kit/envelope.ts'
import type { EventType } from '#events/kit/stream.ts'
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
  mediaEvents,
  progressMedia,
  recordMediaDispatch,
  requestStudy,
  startMedia,
} from '#events/media.ts'
import {
  createNote,
  deleteNote,
  editNote,
  editNoteByWorker,
  NoteCreated,
  NoteDeleted,
  NoteEdited,
  NoteWrittenByAi,
  noteEvents,
} from '#events/note.ts'
import { ACTS, endOperation, OperationEnded, OperationStarted, OUTCOMES, operationEvents, startOperation } from '#events/ops.ts'
import {
  claimTask,
  releaseTask,
  scheduleTask,
  submitResult,
  TASK_KINDS,
  TaskAttemptFailed,
  TaskClaimed,
  TaskCompleted,
  type TaskPolicy,
  TaskReleased,
  TaskScheduled,
  taskEvents,
} from '#events/task.ts'
import {
  GoogleAccountLinked,
  issueToken,
  LongTermTokenIssued,
  LongTermTokenRevoked,
  ProfileUpdated,
  register,
  registerWithGoogle,
  revokeToken,
  signInWithGoogle,
  UserRegistered,
  updateProfile,
  userEvents,
} from '#events/user.ts'
import {
  MetadataStored,
  QuestionsSuggested,
  SummaryStored,
  storeMetadata,
  storeSummary,
  storeTranscript,
  TranscriptSetAside,
  TranscriptStored,
  VideoAdded,
  VideoTitled,
  videoEvents,
} from '#events/video.ts'

// Builders of events with usual values; a test passes only those that matter ------------

export const VIDEO = 'dQw4w9WgXcQ'
export const EMAIL = 'bob@example.com'

const usually =
  <T extends string, S extends z.ZodType<object>>(type: EventType<T, S>, usual: z.input<S>) =>
  (but: Partial<z.input<S>> = {}) =>
    type({ ...(usual as object), ...(but as object) } as z.input<S>)

export const userRegistered = usually(UserRegistered, { userId: 1, email: EMAIL, name: 'Bob', imageUrl: null })
export const googleAccountLinked = usually(GoogleAccountLinked, { userId: 1, googleId: 'g-1' })
export const profileUpdated = usually(ProfileUpdated, { userId: 1 })
export const longTermTokenIssued = usually(LongTermTokenIssued, { userId: 1, email: EMAIL, issuedAt: 1767225601 })
export const longTermTokenRevoked = usually(LongTermTokenRevoked, { userId: 1 })

export const videoAdded = usually(VideoAdded, { videoId: VIDEO, id: 1, title: null })
export const videoTitled = usually(VideoTitled, { videoId: VIDEO, title: 'Never Gonna Give You Up' })
export const metadataStored = usually(MetadataStored, { videoId: VIDEO, metadata: '{"duration":212}' })
export const transcriptStored = usually(TranscriptStored, {
  videoId: VIDEO,
  s3Key: `transcripts/${VIDEO}.json`,
  rows: 2,
  sizeBytes: 64,
  sha256: 'e3b0c442',
})
export const transcriptSetAside = usually(TranscriptSetAside, {
  videoId: VIDEO,
  s3Key: `transcripts/${VIDEO}.aside.json`,
  rows: 3,
  sizeBytes: 96,
  sha256: 'aa55',
})
export const summaryStored = usually(SummaryStored, { videoId: VIDEO, summary: 'A promise.' })

export const questionsSuggested = usually(QuestionsSuggested, { videoId: VIDEO, questions: ['Why?', 'How?', 'When?'] })

export const noteCreated = usually(NoteCreated, { noteId: 1, videoId: VIDEO, userId: 1, timestamp: '1:23', text: 'mine' })
export const noteEdited = usually(NoteEdited, { noteId: 1, videoId: VIDEO, userId: 1 })
export const noteWrittenByAi = usually(NoteWrittenByAi, { noteId: 1, videoId: VIDEO, userId: 1, text: 'model' })
export const noteDeleted = usually(NoteDeleted, { noteId: 1, videoId: VIDEO, userId: 1 })

const transcriptTask = { taskId: 1, videoId: VIDEO, kind: 'transcript' } as const
export const taskScheduled = usually(TaskScheduled, { ...transcriptTask, dueAt: 0 })
export const taskClaimed = usually(TaskClaimed, { ...transcriptTask, attempt: 1, leaseEndsAt: 0 })
export const taskReleased = usually(TaskReleased, { ...transcriptTask, attempt: 1 })
export const taskAttemptFailed = usually(TaskAttemptFailed, { ...transcriptTask, attempt: 1, error: 'no captions' })
export const taskCompleted = usually(TaskCompleted, { ...transcriptTask, attempt: 1 })

export const GUEST = 'guest-abcdefghijklmnopqrstuv'

export const conversationStarted = usually(ConversationStarted, { conversationId: 1, videoId: VIDEO, viewer: 'user-1' })
export const messageSent = usually(MessageSent, { conversationId: 1, messageId: 1, text: 'What is it about?' })
export const replyCompleted = usually(ReplyCompleted, {
  conversationId: 1,
  messageId: 2,
  replyTo: 1,
  text: 'A promise [0:43].',
  model: 'some-model',
})
export const replyFailed = usually(ReplyFailed, { conversationId: 1, replyTo: 1, reason: 'the model failed', givenBack: true })

const NOTE_JOB = { request: 'note-1', videoId: VIDEO, noteId: 1, userId: 1, timestamp: '1:23' }
export const aiNoteAwaited = usually(AiNoteAwaited, NOTE_JOB)
export const aiNoteRequested = usually(AiNoteRequested, { ...NOTE_JOB, attempt: 1 })
export const summaryRequested = usually(SummaryRequested, { request: `summary-${VIDEO}`, videoId: VIDEO, attempt: 1 })
export const jobDispatched = usually(JobDispatched, { request: 'note-1', videoId: VIDEO, attempt: 1, messageId: 'm-1' })
export const jobAnswered = usually(JobAnswered, { request: 'note-1', videoId: VIDEO, attempt: 1 })
export const jobWithdrawn = usually(JobWithdrawn, { request: 'note-1', videoId: VIDEO, cause: 'the note was deleted' })
export const jobGivenUp = usually(JobGivenUp, {
  request: 'note-1',
  videoId: VIDEO,
  attempt: 3,
  cause: 'no answer came, asked 3 times',
})

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

const OPERATION = '018f0000-0000-7000-8000-000000000001'
export const operationStarted = usually(OperationStarted, {
  operation: OPERATION,
  act: 'rebuild',
  target: 'notes',
  who: 'ada',
  via: 'cli',
  command: 'vidwiz rebuild notes',
})
export const operationEnded = usually(OperationEnded, { operation: OPERATION, outcome: 'done', summary: '3 rows' })

// Random events ---------------------------------------------------------------------------

export const everyType = [
  ...userEvents,
  ...videoEvents,
  ...noteEvents,
  ...taskEvents,
  ...conversationEvents,
  ...aiEvents,
  ...mediaEvents,
  ...operationEvents,
] as const
type EveryType = (typeof everyType)[number]
type Payloads = { [E in EveryType as E['type']]: fc.Arbitrary<z.input<E['data']>> }

/** Any JavaScript string: with NUL, emoji, lone surrogates, words. */
export const anyText = fc.oneof(
  fc.constantFrom('', ' ', 'mine', '\u0000', '\ud83d', '😀é', '"quoted" \\ \u2028', '__proto__'),
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map((units) => String.fromCharCode(...units)),
)
const anyId = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const anyVideoId = fc.stringMatching(/^[A-Za-z0-9_-]{11}$/)
const anyViewer = fc.oneof(
  anyId.map((id) => `user-${id}`),
  fc.stringMatching(/^[\w-]{22}$/).map((name) => `guest-${name}`),
)
const anyCount = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const anyEmail = fc.emailAddress().map((address) => address.toLowerCase())
// JSON has no minus zero, and zod rejects NaN and infinities.
const anyNumber = fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary)

const anyMoment = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
const anyKind = fc.constantFrom('transcript' as const, 'metadata' as const)
const anyJob = {
  request: fc.oneof(
    anyId.map((id) => `note-${id}`),
    anyVideoId.map((id) => `summary-${id}`),
  ),
  videoId: anyVideoId,
}
const anyTask = { taskId: anyId, videoId: anyVideoId, kind: anyKind }

const anyTranscript = fc.record({
  videoId: anyVideoId,
  s3Key: anyText,
  rows: anyCount,
  sizeBytes: anyCount,
  sha256: anyText,
  endSeconds: maybe(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((number) => number + 0)),
  origin: maybe(fc.constantFrom('speech' as const, 'text' as const)),
  language: maybe(anyText),
  model: maybe(anyText),
})

const anyMediaJob = { videoId: anyVideoId, jobId: anyId }
const anyLanguage = fc.constantFrom('en', 'hi', 'pt-BR', 'zh-Hant')
const anyLine = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
const fiveToTen = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 5, maxLength: 10 })
const anyStudy = fc.record({
  language: anyLanguage,
  flashcards: fiveToTen(fc.record({ front: anyLine, back: anyLine })),
  quiz: fiveToTen(
    fc.record({
      question: anyLine,
      options: fc.array(anyLine, { minLength: 4, maxLength: 4 }),
      correct_answer: fc.integer({ min: 0, max: 3 }),
    }),
  ),
})
const anyObject = fc.record({ s3Key: anyText, sizeBytes: anyCount, sha256: anyText })

const payloads: Payloads = {
  UserRegistered: fc.record({ userId: anyId, email: anyEmail, name: orNull(anyText), imageUrl: orNull(fc.webUrl()) }),
  GoogleAccountLinked: fc.record({ userId: anyId, googleId: anyText, name: maybe(anyText), imageUrl: maybe(fc.webUrl()) }),
  ProfileUpdated: fc.record({ userId: anyId, name: maybe(anyText), aiNotes: maybe(fc.boolean()), imageUrl: maybe(fc.webUrl()) }),
  LongTermTokenIssued: fc.record({ userId: anyId, email: anyEmail, issuedAt: anyNumber }),
  LongTermTokenRevoked: fc.record({ userId: anyId }),
  VideoAdded: fc.record({ videoId: anyVideoId, id: anyId, title: orNull(anyText) }),
  VideoTitled: fc.record({ videoId: anyVideoId, title: anyText }),
  MetadataStored: fc.record({ videoId: anyVideoId, metadata: fc.json() }),
  TranscriptStored: anyTranscript,
  TranscriptSetAside: anyTranscript,
  SummaryStored: fc.record({ videoId: anyVideoId, summary: anyText }),
  QuestionsSuggested: fc.record({ videoId: anyVideoId, questions: fc.array(anyText) }),
  NoteCreated: fc.record({ noteId: anyId, videoId: anyVideoId, userId: anyId, timestamp: anyText, text: orNull(anyText) }),
  NoteEdited: fc.record({
    noteId: anyId,
    videoId: anyVideoId,
    userId: anyId,
    text: maybe(anyText),
    generatedByAi: maybe(fc.boolean()),
  }),
  NoteWrittenByAi: fc.record({ noteId: anyId, videoId: anyVideoId, userId: anyId, text: anyText }),
  NoteDeleted: fc.record({ noteId: anyId, videoId: anyVideoId, userId: anyId }),
  TaskScheduled: fc.record({ ...anyTask, dueAt: anyMoment }),
  TaskClaimed: fc.record({ ...anyTask, attempt: anyId, leaseEndsAt: anyMoment }),
  TaskReleased: fc.record({ ...anyTask, attempt: anyId }),
  TaskAttemptFailed: fc.record({
    ...anyTask,
    attempt: anyId,
    error: anyText,
    retryAt: maybe(anyMoment),
    restUntil: maybe(anyMoment),
    permanent: maybe(fc.constant(true as const)),
  }),
  TaskCompleted: fc.record({ ...anyTask, attempt: anyId, restUntil: maybe(anyMoment) }),
  ConversationStarted: fc.record({ conversationId: anyId, videoId: anyVideoId, viewer: anyViewer }),
  MessageSent: fc.record({ conversationId: anyId, messageId: anyId, text: anyText }),
  ReplyCompleted: fc.record({ conversationId: anyId, messageId: anyId, replyTo: anyId, text: anyText, model: anyText }),
  ReplyFailed: fc.record({ conversationId: anyId, replyTo: anyId, reason: anyText, givenBack: fc.boolean() }),
  AiNoteAwaited: fc.record({ ...anyJob, noteId: anyId, userId: anyId, timestamp: anyText }),
  AiNoteRequested: fc.record({
    ...anyJob,
    noteId: anyId,
    userId: anyId,
    timestamp: anyText,
    attempt: anyId,
    backfill: maybe(fc.constant(true as const)),
  }),
  SummaryRequested: fc.record({ ...anyJob, attempt: anyId }),
  JobDispatched: fc.record({ ...anyJob, attempt: anyId, messageId: anyText }),
  JobAnswered: fc.record({ ...anyJob, attempt: anyId }),
  JobWithdrawn: fc.record({ ...anyJob, cause: anyText }),
  JobGivenUp: fc.record({ ...anyJob, attempt: anyId, cause: anyText }),
  OperationStarted: fc.record({
    operation: fc.uuid(),
    act: fc.constantFrom(...ACTS),
    target: anyText,
    who: anyLine,
    via: fc.constantFrom('page' as const, 'cli' as const, 'service' as const),
    command: anyText,
    reason: maybe(anyText),
  }),
  OperationEnded: fc.record({ operation: fc.uuid(), outcome: fc.constantFrom(...OUTCOMES), summary: anyText }),
  HearingAwaited: fc.record({ videoId: anyVideoId }),
  HearingWithdrawn: fc.record({ videoId: anyVideoId, cause: anyText }),
  MediaProcessingRequested: fc.record({ ...anyMediaJob, attempt: anyId, userId: orNull(anyId), language: maybe(anyLanguage) }),
  MediaProcessingDispatched: fc.record({ ...anyMediaJob, attempt: anyId, messageId: anyText }),
  MediaProcessingStarted: fc.record(anyMediaJob),
  MediaProgressed: fc.record({
    ...anyMediaJob,
    step: fc.constantFrom(...MEDIA_STEPS),
    percent: fc.integer({ min: 0, max: 100 }),
  }),
  MediaProcessingInterrupted: fc.record({ ...anyMediaJob, cause: anyText, messageGone: maybe(fc.constant(true as const)) }),
  MediaProcessed: fc.record({ ...anyMediaJob, audio: maybe(anyObject), study: maybe(anyStudy), missing: maybe(anyText) }),
  MediaProcessingFailed: fc.record({ ...anyMediaJob, cause: anyText, permanent: maybe(fc.constant(true as const)) }),
}

/** Events of one type with any valid payload. */
export const anyOf = (type: EveryType): fc.Arbitrary<NewEvent> =>
  (payloads[type.type] as fc.Arbitrary<never>).map((payload) => (type as EventType)(payload))

/** Any event of any type. */
export const anyEvent: fc.Arbitrary<NewEvent> = fc.oneof(...everyType.map(anyOf))

// Random commands: few users, videos and notes, so that commands meet the same ones -------------

const ofTasks = { scheduleTask, claimTask, releaseTask, submitResult }
const ofAi = { askForNote, askForSummary, settleNote, settleSummary, recordDispatch, askAgain, redriveRequest }
const ofMedia = {
  requestStudy,
  awaitHearing,
  beginHearing,
  recordMediaDispatch,
  startMedia,
  progressMedia,
  hearMedia,
  completeMedia,
  failMedia,
  askMediaAgain,
}
const ofConversations = { startConversation, sendMessage, completeReply, failReply }
const wishes = {
  register,
  registerWithGoogle,
  signInWithGoogle,
  updateProfile,
  issueToken,
  revokeToken,
  createNote,
  editNote,
  editNoteByWorker,
  deleteNote,
  storeTranscript,
  storeMetadata,
  storeSummary,
  ...ofTasks,
  ...ofConversations,
  ...ofAi,
  ...ofMedia,
  startOperation,
  endOperation,
}
type Wishes = typeof wishes

/** A command as data, so that counterexamples are readable. */
export type Wish = { [W in keyof Wishes]: { wish: W; for: Parameters<Wishes[W]>[0] } }[keyof Wishes]

/** The command for a wish. */
export const commandOf = (wish: Wish): Command => (wishes[wish.wish] as (cmd: unknown) => Command)(wish.for)

const someUser = fc.integer({ min: 1, max: 3 })
const someNote = fc.integer({ min: 1, max: 6 })
const someVideo = fc.constantFrom(VIDEO, 'aaaaaaaaaaa', '-_-_-_-_-_-')
const someEmail = fc.constantFrom('ann@example.com', EMAIL, 'cy@example.com', 'di@example.com')
const someViewer = fc.constantFrom('user-1', GUEST)
const someTalk = fc.integer({ min: 1, max: 3 })
const someMessage = fc.integer({ min: 1, max: 12 })
/** Daily quota in all tests. */
export const QUOTA = 3
const someText = fc.constantFrom('', 'a', 'b')
const someTitle = fc.option(fc.constantFrom('', 'One', 'Two', 'No YouTube video found.'), { nil: undefined })
const someTranscript = fc.tuple(fc.constantFrom(0, 1, 2), fc.boolean()).map(([rows, isHeard]) => ({
  s3Key: `transcripts/${VIDEO}.json`,
  rows,
  sizeBytes: rows * 10,
  sha256: `hash of ${rows}${isHeard ? ', heard' : ''}`,
  ...(isHeard && { origin: 'speech' as const }),
}))
/** Leases and rests that end within a few events. */
export const HASTY: TaskPolicy = { maxAttempts: 3, leaseMs: 5_000, backoffMs: 1_000, restMs: 2_000, deadRestMs: 20_000 }
const someTask = { taskId: fc.integer({ min: 1, max: 8 }), kind: fc.constantFrom(...TASK_KINDS), videoId: fc.constantFrom(VIDEO) }
const someFinding = fc.oneof(
  fc.constant({ error: 'no captions' }),
  fc.constantFrom({ transcript: null }, { metadata: null }, { metadata: '{"a":1}' }),
  someTranscript.map((transcript) => ({ transcript })),
)
/** AI requests concern only notes on the first video. */
const someOfNote = { noteId: someNote, videoId: fc.constant(VIDEO) }
const someAsked = fc.oneof(
  someNote.map((noteId) => ({ request: `note-${noteId}`, videoId: VIDEO, noteId })),
  fc.constant({ request: `summary-${VIDEO}`, videoId: VIDEO }),
)
const someMediaJob = { videoId: fc.constant(VIDEO), jobId: fc.integer({ min: 1, max: 4 }) }
/** An answer counts as late after a few events. */
export const IMPATIENT: AnswerPolicy = { answerMs: 4_000, maxTries: 3 }
const someHash = fc.stringMatching(/^[a-z0-9]{12}$/).map((salt) => `$argon2id$${salt}`)

const somebodyOfGoogle = {
  googleId: fc.constantFrom('g-1', 'g-2', 'g-3'),
  email: someEmail,
  name: maybe(someText),
  imageUrl: maybe(fc.constantFrom('https://a/old', 'https://a/new')),
}

const wish = <W extends keyof Wishes>(name: W, cmd: fc.Arbitrary<Parameters<Wishes[W]>[0]>) =>
  cmd.map((data) => ({ wish: name, for: data }) as Wish)

export const anyWish: fc.Arbitrary<Wish> = fc.oneof(
  { weight: 2, arbitrary: wish('register', fc.record({ email: someEmail, name: orNull(someText), passwordHash: someHash })) },
  { weight: 1, arbitrary: wish('registerWithGoogle', fc.record(somebodyOfGoogle)) },
  {
    weight: 2,
    arbitrary: wish(
      'signInWithGoogle',
      fc.record({ ...somebodyOfGoogle, userId: someUser, foundBy: fc.constantFrom('google' as const, 'email' as const) }),
    ),
  },
  {
    weight: 1,
    arbitrary: wish('updateProfile', fc.record({ userId: someUser, name: maybe(someText), aiNotes: maybe(fc.boolean()) })),
  },
  { weight: 1, arbitrary: wish('issueToken', fc.record({ userId: someUser })) },
  { weight: 1, arbitrary: wish('revokeToken', fc.record({ userId: someUser })) },
  {
    weight: 3,
    arbitrary: wish(
      'createNote',
      fc.record({
        userId: someUser,
        videoId: someVideo,
        timestamp: fc.constant('1:23'),
        text: orNull(someText),
        videoTitle: someTitle,
      }),
    ),
  },
  {
    weight: 4,
    arbitrary: wish(
      'editNote',
      fc.record({ userId: someUser, noteId: someNote, text: maybe(someText), generatedByAi: maybe(fc.boolean()) }),
    ),
  },
  {
    weight: 2,
    arbitrary: wish(
      'editNoteByWorker',
      fc.record({ noteId: someNote, text: maybe(someText), generatedByAi: maybe(fc.boolean()) }),
    ),
  },
  { weight: 1, arbitrary: wish('storeTranscript', fc.record({ videoId: someVideo, transcript: someTranscript })) },
  { weight: 1, arbitrary: wish('storeMetadata', fc.record({ videoId: someVideo, metadata: fc.constantFrom('{}', '{"a":1}') })) },
  {
    weight: 1,
    arbitrary: wish(
      'storeSummary',
      fc.record({ videoId: someVideo, summary: maybe(someText), questions: maybe(fc.constantFrom(['a', 'b', 'c'])) }),
    ),
  },
  { weight: 1, arbitrary: wish('deleteNote', fc.record({ userId: someUser, noteId: someNote })) },
  {
    weight: 2,
    arbitrary: wish('scheduleTask', fc.record({ kind: someTask.kind, videoId: someTask.videoId, policy: fc.constant(HASTY) })),
  },
  { weight: 6, arbitrary: wish('claimTask', fc.record({ ...someTask, policy: fc.constant(HASTY) })) },
  { weight: 1, arbitrary: wish('releaseTask', fc.record({ ...someTask, attempt: fc.integer({ min: 1, max: 3 }) })) },
  {
    weight: 4,
    arbitrary: wish('submitResult', fc.record({ ...someTask, finding: someFinding, policy: fc.constant(HASTY) })),
  },
  { weight: 2, arbitrary: wish('startConversation', fc.record({ viewer: someViewer, videoId: someVideo })) },
  {
    weight: 4,
    arbitrary: wish(
      'sendMessage',
      fc.record({ viewer: someViewer, conversationId: someTalk, text: someText, quota: fc.constant(QUOTA) }),
    ),
  },
  {
    weight: 3,
    arbitrary: wish(
      'completeReply',
      fc.record({ conversationId: someTalk, replyTo: someMessage, text: someText, model: fc.constant('m') }),
    ),
  },
  {
    weight: 3,
    arbitrary: wish(
      'failReply',
      fc.record({ conversationId: someTalk, replyTo: someMessage, reason: fc.constant('r'), givenBack: fc.boolean() }),
    ),
  },
  {
    weight: 6,
    arbitrary: wish('askForNote', fc.record({ ...someOfNote, userId: someUser, backfill: maybe(fc.boolean()) })),
  },
  { weight: 2, arbitrary: wish('settleNote', fc.record(someOfNote)) },
  { weight: 1, arbitrary: wish('askForSummary', fc.record({ videoId: someVideo })) },
  { weight: 1, arbitrary: wish('settleSummary', fc.record({ videoId: someVideo })) },
  {
    weight: 5,
    arbitrary: wish(
      'recordDispatch',
      fc
        .tuple(someAsked, fc.integer({ min: 1, max: 4 }))
        .map(([asked, attempt]) => ({ ...asked, attempt, messageId: `m-${attempt}` })),
    ),
  },
  {
    weight: 5,
    arbitrary: wish(
      'askAgain',
      someAsked.map((asked) => ({ ...asked, policy: IMPATIENT })),
    ),
  },
  { weight: 2, arbitrary: wish('redriveRequest', someAsked) },
  {
    weight: 3,
    arbitrary: wish(
      'requestStudy',
      fc.record({
        videoId: fc.constant(VIDEO),
        userId: someUser,
        language: maybe(fc.constantFrom('en', 'hi')),
        quota: fc.constant(QUOTA),
      }),
    ),
  },
  { weight: 2, arbitrary: wish('awaitHearing', fc.record({ videoId: fc.constant(VIDEO) })) },
  { weight: 2, arbitrary: wish('beginHearing', fc.record({ videoId: fc.constant(VIDEO), perDay: fc.constant(QUOTA) })) },
  {
    weight: 3,
    arbitrary: wish(
      'recordMediaDispatch',
      fc.record({ ...someMediaJob, attempt: fc.integer({ min: 1, max: 3 }), messageId: fc.constant('m') }),
    ),
  },
  {
    weight: 3,
    arbitrary: wish(
      'startMedia',
      fc.record({ videoId: fc.constant(VIDEO), jobId: fc.option(someMediaJob.jobId, { nil: undefined }) }),
    ),
  },
  {
    weight: 2,
    arbitrary: wish(
      'progressMedia',
      fc.record({ ...someMediaJob, step: fc.constantFrom(...MEDIA_STEPS), percent: fc.constantFrom(0, 5, 50, 100) }),
    ),
  },
  { weight: 3, arbitrary: wish('hearMedia', fc.record({ ...someMediaJob, transcript: someTranscript })) },
  { weight: 2, arbitrary: wish('completeMedia', fc.record({ ...someMediaJob, study: maybe(anyStudy) })) },
  {
    weight: 2,
    arbitrary: wish(
      'failMedia',
      fc.record({
        ...someMediaJob,
        cause: fc.constant('c'),
        permanent: maybe(fc.constant(true as const)),
        comesAgain: fc.boolean(),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: wish(
      'startOperation',
      fc.record({
        operation: fc.constant(OPERATION),
        act: fc.constant('verify' as const),
        target: fc.constant('notes'),
        who: fc.constant('ada'),
        via: fc.constant('cli' as const),
        command: fc.constant('vidwiz verify notes'),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: wish(
      'endOperation',
      fc.record({ operation: fc.constant(OPERATION), outcome: fc.constant('done' as const), summary: fc.constant('equal') }),
    ),
  },
  { weight: 2, arbitrary: wish('askMediaAgain', fc.record({ videoId: fc.constant(VIDEO), silenceMs: fc.constant(4_000) })) },
)

/** Random sequences of commands. */
export const anyWishes = fc.array(anyWish, { maxLength: 60, size: 'max' })
