import { z } from 'zod'
import { id, noteId, userId, videoId } from './ids.ts'
import { command, type Decision, emit, nothing, reject } from './kit/command.ts'
import type { NewEvent } from './kit/envelope.ts'
import { decider, type EventFrom, noCaseFor, type StreamRef, stream } from './kit/stream.ts'
import { type Note, notes } from './note.ts'
import { ai as topic } from './topics.ts'
import { type User, users } from './user.ts'
import { hasTranscript, type Video, videos } from './video.ts'

/**
 * A request to a model: for the text of an empty note (`note-42`) or for the summary of a video (`summary-dQw4w9WgXcQ`). Stream
 * `ai-<request>` holds the whole life of one request.
 */
export const aiStream = stream<{ request: string; videoId: string }>('ai', {
  topic,
  id: (e) => e.request,
  key: (e) => e.videoId,
})

export const REQUEST_KINDS = ['note', 'summary'] as const
export type RequestKind = (typeof REQUEST_KINDS)[number]

export const noteRequest = (note: number) => `note-${note}`
export const summaryRequest = (video: string) => `summary-${video}`

// Events ----------------------------------------------------------------

const request = z.string().regex(/^(note-[1-9]\d*|summary-[A-Za-z0-9_-]{11})$/)
/** Number of the question within its request, from 1. A request that gets no answer is asked again. */
const attempt = id
const job = { request, videoId }
const ofNote = { ...job, noteId, userId, timestamp: z.string() }

/** A model is to write the note as soon as its video has a transcript. */
export const AiNoteAwaited = aiStream.event('AiNoteAwaited', 1, z.object(ofNote))
/** `backfill`: requested for a note that is older than its author's switch to notes by AI. */
export const AiNoteRequested = aiStream.event(
  'AiNoteRequested',
  1,
  z.object({ ...ofNote, attempt, backfill: z.literal(true).optional() }),
)
export const SummaryRequested = aiStream.event('SummaryRequested', 1, z.object({ ...job, attempt }))
/** The question is in the workers' queue; `messageId` is the queue's id for it. */
export const JobDispatched = aiStream.event('JobDispatched', 1, z.object({ ...job, attempt, messageId: z.string() }))
export const JobAnswered = aiStream.event('JobAnswered', 1, z.object({ ...job, attempt }))
/** The answer is no longer needed. */
export const JobWithdrawn = aiStream.event('JobWithdrawn', 1, z.object({ ...job, cause: z.string() }))
/** The last allowed question got no answer. Only an explicit redrive asks again. */
export const JobGivenUp = aiStream.event('JobGivenUp', 1, z.object({ ...job, attempt, cause: z.string() }))

export const aiEvents = [
  AiNoteAwaited,
  AiNoteRequested,
  SummaryRequested,
  JobDispatched,
  JobAnswered,
  JobWithdrawn,
  JobGivenUp,
] as const
export type AiEvent = EventFrom<(typeof aiEvents)[number]>

// State -----------------------------------------------------------------

export interface AiRequest {
  status: 'awaited' | 'requested' | 'dispatched' | 'answered' | 'withdrawn' | 'given-up'
  /** Number of the last question; 0 when none was asked yet. */
  attempt: number
  /** Questions since the first one, or since the first one after a redrive. */
  tries: number
  /** When the request took this status, in milliseconds since the epoch. */
  since: number
}

export const evolveAi = (state: AiRequest | undefined, event: AiEvent): AiRequest | undefined => {
  const since = event.time
  switch (event.type) {
    case 'AiNoteAwaited':
      return { status: 'awaited', attempt: state?.attempt ?? 0, tries: 0, since }
    case 'AiNoteRequested':
    case 'SummaryRequested': {
      const isAgain = state && (state.status === 'requested' || state.status === 'dispatched')
      return { status: 'requested', attempt: event.data.attempt, tries: isAgain ? state.tries + 1 : 1, since }
    }
    case 'JobDispatched':
      return state && { ...state, status: 'dispatched', since }
    case 'JobAnswered':
      return state && { ...state, status: 'answered', since }
    case 'JobWithdrawn':
      return state && { ...state, status: 'withdrawn', since }
    case 'JobGivenUp':
      return state && { ...state, status: 'given-up', since }
    default:
      return noCaseFor(event)
  }
}

export const aiRequests = decider<AiRequest, AiEvent>(aiStream, 1, evolveAi)

/** Includes `given-up`: a late answer still settles the request. */
const UNSETTLED = ['awaited', 'requested', 'dispatched', 'given-up']
const isUnsettled = (state: AiRequest | undefined): state is AiRequest => state !== undefined && UNSETTLED.includes(state.status)

// Which notes a model can write --------------------------------------------

const TIMESTAMP = /^\s*(?:(\d{1,3}):)?(\d{1,4}):([0-5]?\d)\s*$/

/** The API accepts longer timestamps; SQS and models do not. */
const MOST_OF_A_TIMESTAMP = 40

/**
 * The second of the video that a timestamp (`MM:SS` or `HH:MM:SS`) names, read as a worker reads
 * it; undefined when it names none.
 */
export function secondsOf(timestamp: string): number | undefined {
  const [, hours, minutes, seconds] = TIMESTAMP.exec(timestamp) ?? []
  if (minutes === undefined || timestamp.length > MOST_OF_A_TIMESTAMP) return undefined
  if (hours !== undefined && Number(minutes) > 59) return undefined
  return Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(seconds)
}

/** A worker searches this many seconds around the timestamp for speech (its TRANSCRIPT_BUFFER_SECONDS). */
const BUFFER_SECONDS = 15

/** Whether a worker could find speech at this timestamp. A video whose transcript has no known end accepts every timestamp. */
export function isUsable(timestamp: string, video: Video | undefined): boolean {
  const at = secondsOf(timestamp)
  return at !== undefined && at <= (video?.transcript?.endSeconds ?? Number.POSITIVE_INFINITY) + BUFFER_SECONDS
}

const needsText = (note: Note) => !note.deleted && !note.text
const isEmpty = (note: Note | undefined): note is Note => note !== undefined && needsText(note)

/**
 * Whether the author wants this note from a model: notes by AI must have been on before note and transcript both existed. Turning
 * them on later asks for nothing, except in a backfill.
 */
const isWanted = (note: Note, user: User | undefined, video: Video | undefined, backfill: boolean): boolean =>
  user?.aiNotes === true && (backfill || (user.aiNotesSince ?? 0) <= completeAt(note, video))

const storedAt = (video: Video | undefined) => video?.transcript?.storedAt ?? Number.POSITIVE_INFINITY
/** When note and transcript both existed, in milliseconds since the epoch. */
const completeAt = (note: Note, video: Video | undefined) => Math.max(note.createdAt, storedAt(video))

// Decisions ---------------------------------------------------------------

const UNWANTED = 'its author does not want notes by AI'

/** The ids of a note, its author and its video: the streams that decide whether a model is asked. */
interface OfNote {
  noteId: number
  userId: number
  videoId: string
}

const readsOf = ({ noteId, userId, videoId }: OfNote) => ({
  request: aiRequests.of(noteRequest(noteId)),
  note: notes.of(noteId),
  user: users.of(userId),
  video: videos.of(videoId),
})

/** Whether it is this note's author and video whose state was read. */
const isAsNamed = (note: Note, { userId, videoId }: OfNote) => note.userId === userId && note.videoId === videoId

/**
 * Asks a model for the text of an empty note whose author wants that: at once if the video has a transcript, otherwise the note
 * waits for it. Asks once per note, however often the command runs.
 *
 * @param correlationId of the request that created the note, if known; the transcript may have come because of another note
 * @param from in milliseconds since the epoch: notes that had their transcript before this moment are skipped
 */
export const askForNote = ({
  backfill = false,
  correlationId,
  from = 0,
  ...of
}: OfNote & { backfill?: boolean; correlationId?: string | undefined; from?: number }) =>
  command({
    name: 'askForNote',
    reads: readsOf(of),
    correlationId,
    decide: ({ request, note, user, video }) => {
      if ((request && request.status !== 'awaited') || !isEmpty(note) || !isAsNamed(note, of)) return nothing({})
      const { noteId, userId, videoId, timestamp } = note
      const job = { request: noteRequest(noteId), videoId, noteId, userId, timestamp }
      const isThere = hasTranscript(video)
      const isOld = !backfill && completeAt(note, video) < from
      const because = !isUsable(timestamp, video)
        ? 'nothing is said at its timestamp'
        : !isWanted(note, user, video, backfill)
          ? UNWANTED
          : isOld && 'it is older than what models are asked for here'
      if (because) {
        // Until the transcript is there, the author may still change their mind.
        return request && isThere ? emit([JobWithdrawn({ request: job.request, videoId, cause: because })], {}) : nothing({})
      }
      if (isThere)
        return emit([AiNoteRequested({ ...job, attempt: (request?.attempt ?? 0) + 1, ...(backfill && { backfill }) })], {})
      return request ? nothing({}) : emit([AiNoteAwaited(job)], {})
    },
  })

/**
 * Asks a model for the summary of a video that has a transcript and no summary. Asks once per video,
 * however often the command runs.
 *
 * @param from in milliseconds since the epoch: transcripts stored before this moment are skipped
 */
export const askForSummary = ({ videoId, from = 0 }: { videoId: string; from?: number }) =>
  command({
    name: 'askForSummary',
    reads: { request: aiRequests.of(summaryRequest(videoId)), video: videos.of(videoId) },
    decide: ({ request, video }) =>
      request || !hasTranscript(video) || video?.summary !== undefined || storedAt(video) < from
        ? nothing({})
        : emit([SummaryRequested({ request: summaryRequest(videoId), videoId, attempt: 1 })], {}),
  })

/**
 * The event that ends a request, given its note or video: JobAnswered when the model's text is there, JobWithdrawn when the note
 * was deleted or its author filled it; undefined while the request is open.
 */
function endOf({ request, videoId }: Asked, { state, note, video }: Seen): NewEvent | undefined {
  if (!isUnsettled(state)) return undefined
  const isAnswered = note ? note.text && note.writtenBy === 'ai' : video?.summary !== undefined
  // A worker may write a note that still waits for its transcript. No question was asked, so JobAnswered would be wrong.
  if (isAnswered)
    return state.attempt > 0
      ? JobAnswered({ request, videoId, attempt: state.attempt })
      : JobWithdrawn({ request, videoId, cause: 'a worker wrote the note before it was asked' })
  if (!note || needsText(note)) return undefined
  return JobWithdrawn({ request, videoId, cause: note.deleted ? 'the note was deleted' : 'its author wrote the note' })
}

/** Ends the request for a note if the note was written or deleted. */
export const settleNote = ({ noteId, videoId }: { noteId: number; videoId: string }) =>
  settle('settleNote', { request: noteRequest(noteId), videoId, noteId })

/** Ends the request for a summary once the video has one. */
export const settleSummary = ({ videoId }: { videoId: string }) =>
  settle('settleSummary', { request: summaryRequest(videoId), videoId })

const settle = (name: string, asked: Asked) =>
  command({
    name,
    reads: readsOfAsked(asked),
    decide: (seen: Seen) => {
      const end = endOf(asked, seen)
      return end ? emit([end], {}) : nothing({})
    },
  })

/** A request and what it is about. `noteId` is absent for a summary; `userId` is given where the author's setting counts. */
export interface Asked {
  request: string
  videoId: string
  noteId?: number | undefined
  userId?: number | undefined
}

const readsOfAsked = ({ request, videoId, noteId, userId }: Asked): Record<string, StreamRef> => ({
  state: aiRequests.of(request),
  ...(noteId === undefined ? { video: videos.of(videoId) } : { note: notes.of(noteId) }),
  ...(userId !== undefined && { user: users.of(userId) }),
})

interface Seen {
  state?: AiRequest
  note?: Note
  video?: Video
  user?: User
}

const needsAnswer = ({ noteId }: Asked, { note, video }: Seen) =>
  noteId === undefined ? video?.summary === undefined : isEmpty(note)

/** The next question of a request; undefined when its note or summary exists or is no longer wanted. */
function nextQuestion(asked: Asked, seen: Seen): Decision<object> | undefined {
  if (!needsAnswer(asked, seen)) return undefined
  const { request, videoId } = asked
  const attempt = seen.state!.attempt + 1
  if (!seen.note) return emit([SummaryRequested({ request, videoId, attempt })], {})
  const { noteId, userId, timestamp } = seen.note
  return emit([AiNoteRequested({ request, videoId, noteId, userId, timestamp, attempt })], {})
}

/** Whether a question still has to be sent to a worker; changes nothing. */
export const findUnsent = ({ attempt, ...asked }: Asked & { attempt: number }) =>
  command({
    name: 'findUnsent',
    reads: readsOfAsked(asked),
    decide: (seen: Seen) => {
      const isNext = seen.state?.status === 'requested' && seen.state.attempt === attempt
      return nothing({ isUnsent: isNext && needsAnswer(asked, seen) })
    },
  })

/** Records that a question is in the workers' queue. */
export const recordDispatch = ({
  request,
  videoId,
  attempt,
  messageId,
}: Omit<Asked, 'noteId'> & { attempt: number; messageId: string }) =>
  command({
    name: 'recordDispatch',
    reads: { state: aiRequests.of(request) },
    decide: ({ state }) =>
      state?.status === 'requested' && state.attempt === attempt
        ? emit([JobDispatched({ request, videoId, attempt, messageId })], {})
        : nothing({}),
  })

/** How long to wait for workers, and how often to ask. */
export interface AnswerPolicy {
  /** Time that a worker has to answer, counted from JobDispatched. */
  answerMs: number
  /** How often a question is asked at most. */
  maxTries: number
}

export const MAX_TRIES = 3

/** Asks again when no answer came in time, or gives up after `maxTries`. Ends the request when it needs no answer any more. */
export const askAgain = ({ policy, ...asked }: Asked & { policy: AnswerPolicy }) =>
  command({
    name: 'askAgain',
    reads: readsOfAsked(asked),
    decide: (seen: Seen, { now }): Decision<object> => {
      const { state } = seen
      if (state?.status !== 'dispatched' || state.since + policy.answerMs > now) return nothing({})
      const { request, videoId } = asked
      // The answer may be in the note or video already, while the consumer that settles requests lags behind.
      const end = endOf(asked, seen)
      if (end) return emit([end], {})
      if (asked.userId !== undefined && !seen.user?.aiNotes)
        return emit([JobWithdrawn({ request, videoId, cause: UNWANTED })], {})
      if (state.tries < policy.maxTries) return nextQuestion(asked, seen) ?? nothing({})
      const cause = `no answer came, asked ${state.tries} times`
      return emit([JobGivenUp({ request, videoId, attempt: state.attempt, cause })], {})
    },
  })

/** Asks again for a request that was given up. */
export const redriveRequest = (asked: Asked) =>
  command({
    name: 'redriveRequest',
    reads: readsOfAsked(asked),
    decide: (seen: Seen): Decision<object> =>
      seen.state?.status === 'given-up'
        ? (nextQuestion(asked, seen) ?? reject('CONFLICT', `${asked.request} needs no answer any more`))
        : reject('CONFLICT', `${asked.request} is not given up`),
  })
