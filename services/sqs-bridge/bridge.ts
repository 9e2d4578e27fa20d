import { LRUCache } from 'lru-cache'
import { AiNoteRequested, findUnsent, recordDispatch, SummaryRequested } from '#events/ai.ts'
import type { Command } from '#events/kit/command.ts'
import type { EventFrom } from '#events/kit/stream.ts'
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
  post: Post
}

/**
 * Hands questions to the queues of the workers, and records that. What was sent already, or needs no answer any more, is not sent:
 * so a replay or a new consumer sends nothing (P7). A crash between sending and recording sends a message twice; workers and deciders
 * bear that.
 */
export function sqsBridge({ execute, post }: BridgeOptions): Reactor {
  /** Message ids by event: what was sent but could not be recorded is not sent again. */
  const sent = new LRUCache<string, string>({ max: MOST_REMEMBERED })

  const isUnsent = async ({ id, data, correlationId }: Question): Promise<boolean> => {
    if (sent.has(id)) return false
    const { request, videoId, attempt } = data
    const asked = { request, videoId, noteId: 'noteId' in data ? data.noteId : undefined }
    return (await execute(findUnsent({ ...asked, attempt }), { actor: NAME, correlationId })).result.isUnsent
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
    const unsent = await Promise.all(questions.map(isUnsent))
    const messages = questions.flatMap((question, i) => (unsent[i] ? [{ id: question.id, ...messageOf(question) }] : []))
    try {
      await post(messages, (id, messageId) => void sent.set(id, messageId))
    } catch (error) {
      await recordNow(questions)
      throw error
    }
    return questions.map(recorded)
  })
}
