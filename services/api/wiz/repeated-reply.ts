import { setTimeout as delay } from 'node:timers/promises'
import { findConversation } from '#events/conversation.ts'
import { faultOf } from '#platform/telemetry/fault.ts'
import { readSteadily } from '#projections/engine/steady.ts'
import { replyTo } from '#projections/messages.ts'
import type { Needs } from './needs.ts'
import type { ReplyEnd } from './reply.ts'

const LOOK_EVERY_MS = 250

interface Sent {
  viewer: string
  conversationId: number
  messageId: number
}

/** The reply to a message sent before, made in any process: yields it whole, once it is closed. */
export const repeatedReply = (
  needs: Pick<Needs, 'execute' | 'waiter' | 'db' | 'log'>,
  sent: Sent,
  lookEveryMs = LOOK_EVERY_MS,
) => ({
  async *heard(left: AbortSignal): AsyncGenerator<string, ReplyEnd> {
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

/** Waits until a reply is closed or `left` aborts; undefined when it failed. */
async function closed(
  { execute, waiter, db }: Pick<Needs, 'execute' | 'waiter' | 'db'>,
  sent: Sent,
  left: AbortSignal,
  lookEveryMs: number,
) {
  while (!left.aborted) {
    const { result, seen } = await execute(findConversation(sent), { actor: sent.viewer, correlationId: null })
    if (result.open[sent.messageId] === undefined) {
      const shown = () => waiter.visible(['messages'], seen)
      const read = () => replyTo(db, sent.conversationId, sent.messageId)
      const { isVisible, result: text } = await readSteadily(waiter, shown, read)
      if (text !== undefined || isVisible) return text
    }
    await delay(lookEveryMs)
  }
}
