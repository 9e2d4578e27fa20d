import fc from 'fast-check'
import {
  AiNoteAwaited,
  AiNoteRequested,
  type AnswerPolicy,
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
import { someNote, someUser, someVideo, VIDEO } from './few.ts'
import { maybe, usually, wished } from './usually.ts'

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

/** AI requests concern only notes on the first video. */
const someOfNote = { noteId: someNote, videoId: fc.constant(VIDEO) }
const someAsked = fc.oneof(
  someNote.map((noteId) => ({ request: `note-${noteId}`, videoId: VIDEO, noteId })),
  fc.constant({ request: `summary-${VIDEO}`, videoId: VIDEO }),
)
/** An answer counts as late after a few events. */
export const IMPATIENT: AnswerPolicy = { answerMs: 4_000, maxTries: 3 }

/** Random commands. */
export const aiWishes = {
  askForNote: wished(6, askForNote, fc.record({ ...someOfNote, userId: someUser, backfill: maybe(fc.boolean()) })),
  settleNote: wished(2, settleNote, fc.record(someOfNote)),
  askForSummary: wished(1, askForSummary, fc.record({ videoId: someVideo })),
  settleSummary: wished(1, settleSummary, fc.record({ videoId: someVideo })),
  recordDispatch: wished(
    5,
    recordDispatch,
    fc
      .tuple(someAsked, fc.integer({ min: 1, max: 4 }))
      .map(([asked, attempt]) => ({ ...asked, attempt, messageId: `m-${attempt}` })),
  ),
  askAgain: wished(
    5,
    askAgain,
    someAsked.map((asked) => ({ ...asked, policy: IMPATIENT })),
  ),
  redriveRequest: wished(2, redriveRequest, someAsked),
}
