import { failReply } from '#events/conversation.ts'
import { now as clock } from '#platform/clock.ts'
import { faultOf } from '#platform/telemetry/fault.ts'
import { openSince } from '#projections/open-replies.ts'
import type { Needs } from './needs.ts'

const SWEEP_MS = 5_000
const AT_ONCE = 100
/** Covers the time for storing a reply, and clocks that differ between machines. */
const graceOf = (replyMs: number) => Math.max(10_000, replyMs / 4)

/**
 * Fails replies that have been open for longer than one can take: the process that was making them is gone. Their messages do
 * not count against the quota. Runs every few seconds in every process; if several find the same reply, one of them fails it.
 *
 * @param replyMs maximum time for a reply
 * @returns a function that stops it
 */
export function giveUpAbandoned(
  { db, execute, log }: Pick<Needs, 'db' | 'execute' | 'log'>,
  replyMs: number,
  { graceMs = graceOf(replyMs), sweepMs = SWEEP_MS } = {},
): () => Promise<void> {
  const sweep = async () => {
    for (const { conversation_id, message_id } of await openSince(db, clock() - replyMs - graceMs, AT_ONCE)) {
      const abandoned = { conversationId: conversation_id, replyTo: message_id, reason: 'nobody finished it', givenBack: true }
      // A reply that cannot be closed must not keep the others open.
      await execute(failReply(abandoned), { actor: 'wiz', correlationId: null }).then(
        () => log.warn({ conversationId: conversation_id }, 'gave up an abandoned reply'),
        (error) => log.error({ conversationId: conversation_id, fault: faultOf(error) }, 'could not give up a reply'),
      )
    }
  }
  let sweeping: Promise<void> | undefined
  const begin = () => {
    sweeping ??= sweep()
      .catch((error) => log.warn({ fault: faultOf(error) }, 'could not look for abandoned replies'))
      .finally(() => {
        sweeping = undefined
      })
  }
  begin()
  const timer = setInterval(begin, sweepMs).unref()
  return async () => {
    clearInterval(timer)
    await sweeping
  }
}
