import { AiNoteRequested, findUnsent, recordDispatch, SummaryRequested } from '#events/ai.ts'
import type { EventFrom } from '#events/kit/stream.ts'
import { notes } from '#events/note.ts'
import type { Execute } from '#platform/log/commands/executor.ts'
import type { Reactor } from '#platform/log/reactor/reactor.ts'
import { queueBridge } from '../kit/bridge.ts'
import type { Post } from '../kit/post.ts'
import { messageOf, type QueueName } from './messages.ts'

type Question = EventFrom<typeof AiNoteRequested | typeof SummaryRequested>

const NAME = 'sqs-bridge'

export interface BridgeOptions {
  execute: Execute
  /** Streams whose version differs from the one seen. */
  changedSince(seen: ReadonlyMap<string, number>): Promise<ReadonlySet<string>>
  post: Post<QueueName>
}

/** Sends requests to the workers' queues, and records that. */
export function sqsBridge({ execute, changedSince, post }: BridgeOptions): Reactor {
  const isStillUnsent = async ({ data, correlationId }: Question): Promise<boolean> => {
    const { request, videoId, attempt } = data
    const asked = { request, videoId, noteId: noteIdOf(data), attempt }
    return (await execute(findUnsent(asked), { actor: NAME, correlationId })).result.isUnsent
  }

  /** In the common case the request's stream and its note have not changed since: then no command is needed. */
  async function unsent(questions: readonly Question[]): Promise<Question[]> {
    // Of two questions of one request the later one counts: the earlier one was sent or is no longer wanted.
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

/** The streams behind a question, with their versions then. A note is asked about as created, so at version 1. */
function asItWas({ stream, version, data }: Question): [stream: string, version: number][] {
  const noteId = noteIdOf(data)
  return noteId === undefined
    ? []
    : [
        [stream, version],
        [notes.of(noteId).stream, 1],
      ]
}
