import { AiNoteRequested, findUnsent, recordDispatch, SummaryRequested } from '#events/ai.ts'
import type { EventFrom } from '#events/kit/stream.ts'
import { notes } from '#events/note.ts'
import type { Execute } from '#platform/log/executor.ts'
import type { Reactor } from '#platform/log/reactor/reactor.ts'
import { queueBridge } from '../kit/bridge.ts'
import type { Post } from '../kit/post.ts'
import { messageOf, type QueueName } from './messages.ts'

type Question = EventFrom<typeof AiNoteRequested | typeof SummaryRequested>

const NAME = 'sqs-bridge'

export interface BridgeOptions {
  execute: Execute
  /** Streams that are no longer at the version that they were seen at. */
  changedSince(seen: ReadonlyMap<string, number>): Promise<ReadonlySet<string>>
  post: Post<QueueName>
}

/** Hands questions to the queues of the workers, and records that. */
export function sqsBridge({ execute, changedSince, post }: BridgeOptions): Reactor {
  const isStillUnsent = async ({ data, correlationId }: Question): Promise<boolean> => {
    const { request, videoId, attempt } = data
    const asked = { request, videoId, noteId: noteIdOf(data), attempt }
    return (await execute(findUnsent(asked), { actor: NAME, correlationId })).result.isUnsent
  }

  /** Mostly the question is the last event of its request, and its note is as it was taken: then there is nothing to decide. */
  async function unsent(questions: readonly Question[]): Promise<Question[]> {
    // Of two questions of one request the later one counts: the earlier one was sent, or is not wanted any more.
    const seen = new Map(questions.flatMap(asItWas))
    const changed = await changedSince(seen)
    const isUntouched = (question: Question) =>
      'noteId' in question.data &&
      asItWas(question).every(([stream, version]) => seen.get(stream) === version && !changed.has(stream))
    const isUnsent = await Promise.all(questions.map((question) => isUntouched(question) || isStillUnsent(question)))
    return questions.filter((_, i) => isUnsent[i])
  }

  return queueBridge(NAME, [AiNoteRequested, SummaryRequested], {
    execute,
    post,
    unsent,
    message: messageOf,
    record: ({ data: { request, videoId, attempt } }, messageId) => recordDispatch({ request, videoId, attempt, messageId }),
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
