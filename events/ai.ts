import { z } from 'zod'
import { id, noteId, userId, videoId } from './ids.ts'
import { command, type Decision, emit, nothing, reject } from './kit/command.ts'
import type { NewEvent } from './kit/envelope.ts'
import { decider, type EventFrom, type StreamRef, stream } from './kit/stream.ts'
import { type Note, notes } from './note.ts'
import { ai as topic } from './topics.ts'
import { type User, users } from './user.ts'
import { hasTranscript, type Video, videos } from './video.ts'

/**
 * What is asked of a model: the text of an empty note (`note-42`), or the summary of a video (`summary-dQw4w9WgXcQ`).
 * Stream `ai-<request>`: the whole life of one request.
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
/** Counts the questions of a request, from 1. */
const attempt = id
const job = { request, videoId }
const ofNote = { ...job, noteId, userId, timestamp: z.string() }

/** The note is to be written by a model as soon as its video has a transcript. */
export const AiNoteAwaited = aiStream.event('AiNoteAwaited', 1, z.object(ofNote))
/** `backfill`: the note was empty long before its author wanted notes by AI. */
export const AiNoteRequested = aiStream.event(
  'AiNoteRequested',
  1,
  z.object({ ...ofNote, attempt, backfill: z.literal(true).optional() }),
)
export const SummaryRequested = aiStream.event('SummaryRequested', 1, z.object({ ...job, attempt }))
/** A worker's queue has the question; `messageId` is what the queue calls it. */
export const JobDispatched = aiStream.event('JobDispatched', 1, z.object({ ...job, attempt, messageId: z.string() }))
export const JobAnswered = aiStream.event('JobAnswered', 1, z.object({ ...job, attempt }))
/** Nobody needs the answer any more. */
export const JobWithdrawn = aiStream.event('JobWithdrawn', 1, z.object({ ...job, cause: z.string() }))
/** Asked often enough. It is asked again only when somebody says so. */
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
  /** Of the last question; 0 when none was asked yet. */
  attempt: number
  /** Questions since it was asked for the first time, or for the first time after it was given up. */
  tries: number
  /** When it came to this status, in milliseconds since the epoch. */
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
      return state
  }
}

export const aiRequests = decider<AiRequest, AiEvent>(aiStream, 1, evolveAi)

/** Late is better than never: also of a request that was given up. */
const UNSETTLED = ['awaited', 'requested', 'dispatched', 'given-up']
const isUnsettled = (state: AiRequest | undefined): state is AiRequest => state !== undefined && UNSETTLED.includes(state.status)

// What a note must be like ------------------------------------------------

const TIMESTAMP = /^\s*(?:(\d{1,3}):)?(\d{1,4}):([0-5]?\d)\s*$/

/** The API takes longer ones, SQS and models do not. */
const MOST_OF_A_TIMESTAMP = 40

/** The second of the video that a note's timestamp names, as a worker reads `MM:SS` and `HH:MM:SS`; undefined when it names none. */
export function secondsOf(timestamp: string): number | undefined {
  const [, hours, minutes, seconds] = TIMESTAMP.exec(timestamp) ?? []
  if (minutes === undefined || timestamp.length > MOST_OF_A_TIMESTAMP) return undefined
  if (hours !== undefined && Number(minutes) > 59) return undefined
  return Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(seconds)
}

/** A worker looks so many seconds around the timestamp for something that was said (TRANSCRIPT_BUFFER_SECONDS). */
const BUFFER_SECONDS = 15

/** Whether a worker could find what is said at this moment: unknown ends count as far enough away. */
export function isUsable(timestamp: string, video: Video | undefined): boolean {
  const at = secondsOf(timestamp)
  return at !== undefined && at <= (video?.transcript?.endSeconds ?? Number.POSITIVE_INFINITY) + BUFFER_SECONDS
}

const needsText = (note: Note) => !note.deleted && !note.text
const isEmpty = (note: Note | undefined): note is Note => note !== undefined && needsText(note)

/**
 * Whether the author wants notes by AI, and did so before there were both note and transcript: a switch turned on later asks for
 * nothing, unless it is a backfill.
 */
const isWanted = (note: Note, user: User | undefined, video: Video | undefined, backfill: boolean): boolean =>
  user?.aiNotes === true && (backfill || (user.aiNotesSince ?? 0) <= completeAt(note, video))

const storedAt = (video: Video | undefined) => video?.transcript?.storedAt ?? Number.POSITIVE_INFINITY
/** When there were both note and transcript. */
const completeAt = (note: Note, video: Video | undefined) => Math.max(note.createdAt, storedAt(video))

// Decisions ---------------------------------------------------------------

const UNWANTED = 'its author does not want notes by AI'

/** A note, with all that decides whether a model shall write it. */
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

/**
 * Asks a model for the text of an empty note whose author wants that: at once if the video has a transcript, else the note waits for
 * it. Once per note, whoever says so and however often.
 *
 * @param correlationId of the request with which the note was taken, if it is known: a transcript comes because of another note
 * @param from what was complete before this moment is not asked for, in milliseconds since the epoch
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
      if ((request && request.status !== 'awaited') || !isEmpty(note)) return nothing({})
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
 * Asks a model for the summary of a video that has a transcript and no summary. Once per video, whoever says so and however often.
 * @param from transcripts before this moment are not asked about, in milliseconds since the epoch
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

/** How a request ends by what has become of its note or video: the model's text answers it, whatever else fills or deletes a note withdraws it. */
function endOf({ request, videoId }: Asked, { state, note, video }: Seen): NewEvent | undefined {
  if (!isUnsettled(state)) return undefined
  const isAnswered = note ? note.text && note.writtenBy === 'ai' : video?.summary !== undefined
  if (isAnswered) return JobAnswered({ request, videoId, attempt: state.attempt })
  if (!note || needsText(note)) return undefined
  return JobWithdrawn({ request, videoId, cause: note.deleted ? 'the note was deleted' : 'its author wrote the note' })
}

/** Ends the request for a note by what became of the note, if that ends it. */
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

/** A request, and the note that it is about unless it is about a summary; with the note's author where their wish counts. */
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

/** The next question of a request; undefined when what it asks for is there, or is not wanted any more. */
function nextQuestion(asked: Asked, seen: Seen): Decision<object> | undefined {
  if (!needsAnswer(asked, seen)) return undefined
  const { request, videoId } = asked
  const attempt = seen.state!.attempt + 1
  if (!seen.note) return emit([SummaryRequested({ request, videoId, attempt })], {})
  const { noteId, userId, timestamp } = seen.note
  return emit([AiNoteRequested({ request, videoId, noteId, userId, timestamp, attempt })], {})
}

/** Whether a question still waits to be handed to a worker; changes nothing. */
export const findUnsent = ({ attempt, ...asked }: Asked & { attempt: number }) =>
  command({
    name: 'findUnsent',
    reads: readsOfAsked(asked),
    decide: (seen: Seen) => {
      const isNext = seen.state?.status === 'requested' && seen.state.attempt === attempt
      return nothing({ isUnsent: isNext && needsAnswer(asked, seen) })
    },
  })

/** Records that a worker's queue has a question. */
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

/** How patient we are with workers. */
export interface AnswerPolicy {
  /** How long a worker has for an answer, from when its queue has the question. */
  answerMs: number
  /** How often a question is asked. */
  maxTries: number
}

export const MAX_TRIES = 3

/** Asks once more when no answer came in time, or gives up. Ends the request when it needs no answer any more. */
export const askAgain = ({ policy, ...asked }: Asked & { policy: AnswerPolicy }) =>
  command({
    name: 'askAgain',
    reads: readsOfAsked(asked),
    decide: (seen: Seen, { now }): Decision<object> => {
      const { state } = seen
      if (state?.status !== 'dispatched' || state.since + policy.answerMs > now) return nothing({})
      const { request, videoId } = asked
      // Who reacts to the answer may be far behind.
      const end = endOf(asked, seen)
      if (end) return emit([end], {})
      if (asked.userId !== undefined && !seen.user?.aiNotes)
        return emit([JobWithdrawn({ request, videoId, cause: UNWANTED })], {})
      if (state.tries < policy.maxTries) return nextQuestion(asked, seen) ?? nothing({})
      const cause = `no answer came, asked ${state.tries} times`
      return emit([JobGivenUp({ request, videoId, attempt: state.attempt, cause })], {})
    },
  })

/** Asks anew for what was given up. */
export const redriveRequest = (asked: Asked) =>
  command({
    name: 'redriveRequest',
    reads: readsOfAsked(asked),
    decide: (seen: Seen): Decision<object> =>
      seen.state?.status === 'given-up'
        ? (nextQuestion(asked, seen) ?? reject('CONFLICT', `${asked.request} needs no answer any more`))
        : reject('CONFLICT', `${asked.request} is not given up`),
  })
