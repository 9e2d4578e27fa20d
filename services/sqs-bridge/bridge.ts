import { AiNoteRequested, findUnsent, recordDispatch, SummaryRequested } from '#events/ai.ts'
import type { Command } from '#events/kit/command.ts'
import type { EventFrom } from '#events/kit/stream.ts'
import { notes } from '#events/note.ts'
import type { Execute } from '#platform/log/executor.ts'
import { bridge, type Reactor } from '#platform/log/reactor/reactor.ts'
import { messageOf } from './messages.ts'
import type { Post } from './post.ts'

type Question = EventFrom<typeof AiNoteRequested | typeof SummaryRequested>

const NAME = 'sqs-bridge'
/** Far more than can be in hand. */
const MOST_REMEMBERED = 10_000

export interface BridgeOptions {
  execute: Execute
  /** Streams that are no longer at the version that they were seen at. */
  changedSince(seen: ReadonlyMap<string, number>): Promise<ReadonlySet<string>>
  post: Post
}

/**
 * Hands questions to the queues of the workers, and records that. What was sent already, or needs no answer any more, is not sent:
 * so a replay or a new consumer sends nothing (P7). A crash between sending and recording sends a message twice; workers and deciders
 * bear that.
 */
export function sqsBridge({ execute, changedSince, post }: BridgeOptions): Reactor {
  /** Message ids by event: what was sent but could not be recorded is not sent again. */
  const sent = new Map<string, string>()
  const remember = (id: string, messageId: string) => {
    sent.set(id, messageId)
    if (sent.size > MOST_REMEMBERED) sent.delete(sent.keys().next().value!)
  }

  const isStillUnsent = async ({ data, correlationId }: Question): Promise<boolean> => {
    const { request, videoId, attempt } = data
    const asked = { request, videoId, noteId: noteIdOf(data), attempt }
    return (await execute(findUnsent(asked), { actor: NAME, correlationId })).result.isUnsent
  }

  /** Mostly the question is the last event of its request, and its note is as it was taken: then there is nothing to decide. */
  async function unsentOf(questions: readonly Question[]): Promise<Question[]> {
    const notSent = questions.filter(({ id }) => !sent.has(id))
    // Of two questions of one request the later one counts: the earlier one was sent, or is not wanted any more.
    const seen = new Map(notSent.flatMap(asItWas))
    const changed = await changedSince(seen)
    const isUntouched = (question: Question) =>
      'noteId' in question.data &&
      asItWas(question).every(([stream, version]) => seen.get(stream) === version && !changed.has(stream))
    const isUnsent = await Promise.all(notSent.map((question) => isUntouched(question) || isStillUnsent(question)))
    return notSent.filter((_, i) => isUnsent[i])
  }

  const recorded = ({ id, data: { request, videoId, attempt } }: Question): Command[] => {
    const messageId = sent.get(id)
    return messageId === undefined ? [] : [recordDispatch({ request, videoId, attempt, messageId })]
  }

  /** A queue may be away for long: what was sent before it went is on record all the same. */
  const recordNow = (questions: readonly Question[]) =>
    Promise.allSettled(
      questions.flatMap((question) => {
        const { id: causationId, correlationId, traceparent } = question
        return recorded(question).map((command) => execute(command, { actor: NAME, causationId, correlationId, traceparent }))
      }),
    )

  return bridge(NAME, [AiNoteRequested, SummaryRequested], async (questions) => {
    const unsent = await unsentOf(questions)
    try {
      await post(
        unsent.map((question) => ({ id: question.id, ...messageOf(question) })),
        remember,
      )
    } catch (error) {
      await recordNow(questions)
      throw error
    }
    return questions.map(recorded)
  })
}

const noteIdOf = (data: Question['data']) => ('noteId' in data ? data.noteId : undefined)

/** The streams that a question came of, and their versions then. A note is asked about as it was taken: with its first event. */
function asItWas({ stream, version, data }: Question): [stream: string, version: number][] {
  const noteId = noteIdOf(data)
  return noteId === undefined
    ? []
    : [
        [stream, version],
        [notes.of(noteId).stream, 1],
      ]
}
