import { setTimeout as delay } from 'node:timers/promises'
import { findConversation } from '#events/conversation.ts'
import { faultOf } from '#platform/http/access-log.ts'
import { replyTo } from '#projections/messages.ts'
import type { Needs } from './needs.ts'
import type { Outcome } from './reply.ts'

const LOOK_EVERY_MS = 250

interface Sent {
  viewer: string
  conversationId: number
  messageId: number
}

/** The reply to a message that was sent before, wherever it was made or is being made: all of it, once it is closed. */
export const replyAgain = (
  needs: Pick<Needs, 'execute' | 'visible' | 'db' | 'log'>,
  sent: Sent,
  lookEveryMs = LOOK_EVERY_MS,
) => ({
  async *heard(left: AbortSignal): AsyncGenerator<string, Outcome> {
    try {
      const text = await closed(needs, sent, left, lookEveryMs)
      if (text === undefined) return 'failed'
      yield text
      return 'completed'
    } catch (error) {
      needs.log.error({ conversationId: sent.conversationId, fault: faultOf(error) }, 'could not read a reply again')
      return 'failed'
    }
  },
})

/** Waits until a reply is closed, or nobody waits for it any more; undefined when it failed. */
async function closed(
  { execute, visible, db }: Pick<Needs, 'execute' | 'visible' | 'db'>,
  sent: Sent,
  left: AbortSignal,
  lookEveryMs: number,
) {
  while (!left.aborted) {
    const { result, seen } = await execute(findConversation(sent), { actor: sent.viewer, correlationId: null })
    if (result.open[sent.messageId] === undefined) {
      const isVisible = await visible(['messages'], seen)
      const text = await replyTo(db, sent.conversationId, sent.messageId)
      if (text !== undefined || isVisible) return text
    }
    await delay(lookEveryMs)
  }
}
