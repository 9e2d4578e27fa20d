import { AiNoteRequested, findUnsent, recordDispatch, SummaryRequested } from '#events/ai.ts'
import type { Command } from '#events/kit/command.ts'
import type { EventFrom } from '#events/kit/stream.ts'
import type { Execute } from '#platform/log/executor.ts'
import { bridge, type Reactor } from '#platform/log/reactor/reactor.ts'
import { messageOf } from './messages.ts'
import type { Post } from './post.ts'

type Question = EventFrom<typeof AiNoteRequested | typeof SummaryRequested>

/** Events whose messages were sent and whose checkpoint may not have moved. */
const MOST_REMEMBERED = 10_000

export interface BridgeOptions {
  execute: Execute
  post: Post
}

/**
 * Hands questions to the queues of the workers, and records that. What was sent already, or needs no answer any more, is not sent:
 * so a replay or a new consumer sends nothing (P7). A crash between sending and recording sends a message twice; workers and deciders
 * bear that.
 */
export function sqsBridge({ execute, post }: BridgeOptions): Reactor {
  /** Message ids by event: a batch that is tried again in parts does not send again what was sent. */
  const sent = new Map<string, string>()

  const isUnsent = async ({ id, data, correlationId }: Question): Promise<boolean> => {
    if (sent.has(id)) return false
    const { request, videoId, attempt } = data
    const asked = { request, videoId, noteId: 'noteId' in data ? data.noteId : undefined }
    return (await execute(findUnsent({ ...asked, attempt }), { actor: 'sqs-bridge', correlationId })).result.isUnsent
  }

  return bridge('sqs-bridge', [AiNoteRequested, SummaryRequested], async (questions) => {
    const unsent = await Promise.all(questions.map(isUnsent))
    if (sent.size > MOST_REMEMBERED) sent.clear()
    const messages = questions.flatMap((question, i) => (unsent[i] ? [{ id: question.id, ...messageOf(question) }] : []))
    await post(messages, (id, messageId) => sent.set(id, messageId))
    return questions.map(({ id, data: { request, videoId, attempt } }): Command[] => {
      const messageId = sent.get(id)
      return messageId === undefined ? [] : [recordDispatch({ request, videoId, attempt, messageId })]
    })
  })
}
