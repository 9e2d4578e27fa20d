import { type AnyEvent, catalog } from '#events/catalog.ts'
import { decode, EventError } from '#events/kit/codec.ts'
import type { EventOf, Recorded } from '#events/kit/envelope.ts'
import { duration, moment, oneLine, shortened } from './text.ts'

type Words = { [T in AnyEvent['type']]?: (event: Extract<AnyEvent, { type: T }>) => string }

/** Enough of a text to recognize it. */
const MOST = 60
const quoted = (text: string) => JSON.stringify(shortened(text, MOST))
/** As much as fits into a line or two. */
const MOST_IN_ALL = 200

const question = ({ data: { attempt } }: { data: { attempt: number } }) => `question ${attempt}`

const rowsOf = (rows: number) => `${rows} ${rows === 1 ? 'row' : 'rows'}`

/**
 * The essentials of each event, without e-mail addresses and names: people paste stories into reports. An event that is not here
 * says all by its name.
 */
const words: Words = {
  ProfileUpdated: ({ data: { aiNotes } }) => (aiNotes === undefined ? '' : `notes by AI ${aiNotes ? 'on' : 'off'}`),

  VideoAdded: ({ data: { title } }) => (title ? quoted(title) : ''),
  VideoTitled: ({ data: { title } }) => quoted(title),
  TranscriptStored: ({ data: { rows, origin } }) => `${rowsOf(rows)}${origin ? ', heard by a worker' : ''}`,
  TranscriptSetAside: ({ data: { rows, origin } }) =>
    `${rowsOf(rows)}${origin ? ', heard by a worker' : ''}; another one is used`,
  SummaryStored: ({ data: { summary } }) => quoted(summary),
  QuestionsSuggested: ({ data: { questions } }) => `${questions.length} questions`,

  NoteCreated: ({ data: { timestamp, text } }) => `at ${timestamp}, ${text ? quoted(text) : 'empty'}`,
  NoteEdited: ({ data: { text } }) => (text === undefined ? '' : text === '' ? 'emptied' : quoted(text)),
  NoteWrittenByAi: ({ data: { text } }) => quoted(text),

  TaskScheduled: ({ time, data: { taskId, dueAt } }) => `task ${taskId}${dueAt > time ? `, rests until ${moment(dueAt)}` : ''}`,
  TaskClaimed: ({ time, data: { attempt, leaseEndsAt } }) => `attempt ${attempt}, has ${duration(leaseEndsAt - time)}`,
  TaskReleased: ({ data: { attempt } }) => `attempt ${attempt} handed back: its worker was gone`,
  TaskAttemptFailed: ({ time, data: { attempt, error, retryAt, restUntil, permanent } }) =>
    [
      `attempt ${attempt}: ${error}`,
      ...(retryAt === undefined ? [] : [`tried again after ${duration(retryAt - time)}`]),
      ...(restUntil === undefined ? [] : [`rests until ${moment(restUntil)}`]),
      ...(permanent ? ['for good'] : []),
    ].join('; '),
  TaskCompleted: ({ data: { attempt, restUntil } }) =>
    `attempt ${attempt}${restUntil === undefined ? '' : ` found nothing; rests until ${moment(restUntil)}`}`,

  ConversationStarted: ({ data: { videoId } }) => `about video ${videoId}`,
  MessageSent: ({ data: { text } }) => quoted(text),
  ReplyCompleted: ({ data: { text, model } }) => `${quoted(text)} by ${model}`,
  ReplyFailed: ({ data: { reason } }) => reason,

  AiNoteAwaited: ({ data: { videoId } }) => `waits for the transcript of video ${videoId}`,
  AiNoteRequested: (event) => `${question(event)}${event.data.backfill ? ', made up for' : ''}`,
  SummaryRequested: question,
  JobDispatched: (event) => `${question(event)} is in the queue, message ${event.data.messageId}`,
  JobAnswered: question,
  JobWithdrawn: ({ data: { cause } }) => cause,
  JobGivenUp: ({ data: { cause } }) => cause,

  HearingAwaited: () => 'nobody has captions for it',
  HearingWithdrawn: ({ data: { cause } }) => cause,
  MediaProcessingRequested: ({ data: { jobId, attempt } }) => `job ${jobId}, message ${attempt}`,
  MediaProcessingDispatched: ({ data: { jobId, messageId } }) => `job ${jobId} is in the queue, message ${messageId}`,
  MediaProcessingStarted: ({ data: { jobId } }) => `job ${jobId}`,
  MediaProgressed: ({ data: { jobId, step, percent } }) => `job ${jobId}, ${step} ${percent} %`,
  MediaProcessingInterrupted: ({ data: { jobId, cause } }) => `job ${jobId} comes again: ${cause}`,
  MediaProcessed: ({ data: { jobId, study, missing } }) =>
    `job ${jobId}: ${study ? `${study.flashcards.length} flashcards and ${study.quiz.length} questions (${study.language})` : (missing ?? 'no flashcards')}`,
  MediaProcessingFailed: ({ data: { jobId, cause, permanent } }) => `job ${jobId}: ${cause}${permanent ? '; for good' : ''}`,

  OperationStarted: ({ data: { act, target, who, reason } }) =>
    `${act} ${target} by ${who}${reason ? `: ${quoted(reason)}` : ''}`,
  OperationEnded: ({ data: { outcome, summary } }) => `${outcome}: ${summary}`,
}

/** The essentials of an event in a few words. Of an event that this code cannot read: its payload. */
export const wordsOf = (recorded: Recorded): string => shortened(oneLine(wholeOf(recorded)), MOST_IN_ALL)

function wholeOf(recorded: Recorded): string {
  let event: EventOf
  try {
    event = decode(catalog, recorded)
  } catch (error) {
    if (!(error instanceof EventError)) throw error
    return `cannot be read: ${quoted(recorded.data)}`
  }
  const wordsFor = words[event.type as AnyEvent['type']] as ((one: EventOf) => string) | undefined
  return wordsFor?.(event) ?? ''
}
