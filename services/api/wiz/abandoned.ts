import { failReply } from '#events/conversation.ts'
import { faultOf } from '#platform/http/access-log.ts'
import { openSince } from '#projections/open-replies.ts'
import type { Needs } from './needs.ts'

const SWEEP_MS = 5_000
const AT_ONCE = 100
/** For keeping a reply, and for clocks of several machines that do not quite agree. */
const graceOf = (replyMs: number) => Math.max(10_000, replyMs / 4)

/**
 * Gives up replies that have been open for longer than one can take: whoever was making them is gone. Their messages do
 * not count. Looks every few seconds, in every process; of many that find the same one, one gives it up.
 *
 * @param replyMs how long a reply may take
 * @returns how to stop
 */
export function giveUpAbandoned(
  { db, execute, log }: Pick<Needs, 'db' | 'execute' | 'log'>,
  replyMs: number,
  { graceMs = graceOf(replyMs), sweepMs = SWEEP_MS } = {},
): () => Promise<void> {
  const sweep = async () => {
    for (const { conversation_id, message_id } of await openSince(db, Date.now() - replyMs - graceMs, AT_ONCE)) {
      const abandoned = { conversationId: conversation_id, replyTo: message_id, reason: 'nobody finished it', givenBack: true }
      // One that cannot be closed must not keep the others open.
      await execute(failReply(abandoned), { actor: 'wiz', correlationId: null }).then(
        () => log.warn({ conversationId: conversation_id }, 'gave up a reply that nobody was making any more'),
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
