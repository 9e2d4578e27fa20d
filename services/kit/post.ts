import { Unable } from '#platform/log/reactor/caused-commands.ts'
import { batches } from '#platform/sqs/batches.ts'
import type { Queues, Refusal } from '#platform/sqs/queues.ts'
import { backoffMs, type Stopping } from '#platform/stopping.ts'
import { turns } from '#platform/turns.ts'
import { type Address, paused } from './paused.ts'

/** @typeParam Q our names of the queues */
export interface Message<Q extends string> {
  /** Id of the event that it carries. */
  id: string
  queue: Q
  body: string
}

/**
 * Sends all messages.
 * @param onSent called for each message as soon as its queue has it
 * @throws Unable when a queue refuses a message for good, OperatorError when a person must fix something, and errors of unreachable
 *   queues; some messages may have been sent, and none is under way any more
 */
export type Post<Q extends string> = (messages: readonly Message<Q>[], onSent: OnSent) => Promise<void>
type OnSent = (id: string, messageId: string) => void

export interface PostOptions<Q extends string> {
  queues: Pick<Queues, 'sendBatch'>
  addresses: Readonly<Record<Q, Address>>
  /** On stop, messages under way are finished and no others begun. */
  stopping: Pick<Stopping, 'stopped' | 'pause'>
  /** Called with the number of messages that a queue did not take this time. */
  onRefused(queue: Q, messages: number, refusal: Refusal): void
}

/** Concurrent requests, of ten messages each. */
export const IN_FLIGHT = 8
/** Tries per message, and their maximum duration, before the post gives up for now. */
const TRIES = 5
const PATIENCE_MS = 5_000

/** Retries only messages that a queue did not take, with growing pauses; after some tries it throws for the rest. */
export function openPost<Q extends string>({ queues, addresses, stopping, onRefused }: PostOptions<Q>): Post<Q> {
  const inTurn = turns(IN_FLIGHT)

  /** Sends each message once, in any order. After a request that failed as a whole, no other begins. */
  async function attempt(queue: Q, messages: readonly Message<Q>[], onSent: OnSent): Promise<Refusal[]> {
    const refused: Refusal[] = []
    let isAway = false
    const sendTen = async (ten: readonly Message<Q>[]) => {
      if (isAway || stopping.stopped()) return
      const outcomes = await queues.sendBatch(addresses[queue].url, ten)
      isAway ||= outcomes.every(({ refusal }) => refusal)
      for (const { id, messageId, refusal } of outcomes)
        if (refusal) refused.push(refusal)
        else onSent(id, messageId)
    }
    await Promise.all(batches(messages).map((ten) => inTurn(() => sendTen(ten))))
    return refused
  }

  async function sendTo(queue: Q, messages: readonly Message<Q>[], onSent: OnSent) {
    const left = new Map(messages.map((message) => [message.id, message]))
    const until = Date.now() + PATIENCE_MS
    for (let tries = 1; left.size > 0; tries++) {
      const refused = await attempt(queue, [...left.values()], (id, messageId) => {
        left.delete(id)
        onSent(id, messageId)
      })
      if (left.size === 0) return
      const first = refused.find(({ isSetup }) => isSetup) ?? refused.find(({ isOurFault }) => isOurFault) ?? refused[0]
      if (first) onRefused(queue, refused.length, first)
      if (first?.isOurFault && !first.isSetup) throw new Unable(`${queue} refused a message: ${first.code} ${first.message}`)
      const isEnough = first?.isSetup || tries === TRIES || Date.now() > until || stopping.stopped()
      if (isEnough) throw paused(addresses[queue], left.size, first)
      await stopping.pause(backoffMs(tries))
    }
  }

  return async (messages, onSent) => {
    const byQueue = Map.groupBy(messages, ({ queue }) => queue)
    // Waits for all queues, so that nothing is under way any more when it throws.
    const outcomes = await Promise.allSettled([...byQueue].map(([queue, some]) => sendTo(queue, some, onSent)))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }
}
