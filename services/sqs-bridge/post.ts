import { Unable } from '#platform/log/reactor/effect.ts'
import type { Queues } from '#platform/sqs/queues.ts'
import { backoffMs } from '#platform/stopping.ts'
import type { QueueName } from './messages.ts'

export interface Message {
  /** Of the event that it tells of. */
  id: string
  queue: QueueName
  body: string
}

/**
 * Sends messages, all of them.
 * @param onSent told of each as soon as its queue has it
 * @throws Unable when a queue refuses a message for good, and whatever it could not be reached with; some may have been sent
 */
export type Post = (messages: readonly Message[], onSent: (id: string, messageId: string) => void) => Promise<void>

export interface PostOptions {
  queues: Pick<Queues, 'sendBatch'>
  urls: Readonly<Record<QueueName, string>>
  /** Told of entries that a queue did not take this time. */
  onRefused(refused: { queue: QueueName; entries: number; code: string; message: string }): void
  pause(ms: number): Promise<void>
}

/** Messages that go one batch after the other; others go at the same time. */
const LANE = 50
/** How often a message is sent before the whole is given up for a while, and the lag begins to show it. */
const TRIES = 5

/** Sends only those again that a queue did not take, after a growing pause; gives the rest up as an error after some tries. */
export function openPost({ queues, urls, onRefused, pause }: PostOptions): Post {
  async function sendTo(queue: QueueName, messages: readonly Message[], onSent: Parameters<Post>[1]) {
    let left = messages
    for (let failures = 0; left.length > 0; ) {
      const outcomes = (await Promise.all(inLanes(left).map((some) => queues.sendBatch(urls[queue], some)))).flat()
      const refused = outcomes.flatMap(({ id, messageId, refusal }) => {
        if (messageId !== undefined) onSent(id, messageId)
        return refusal ? [{ id, ...refusal }] : []
      })
      if (refused.length === 0) return
      const hopeless = refused.find(({ isOurFault }) => isOurFault)
      if (hopeless) throw new Unable(`${queue} refused a message: ${hopeless.code} ${hopeless.message}`)
      const { code, message } = refused[0]!
      onRefused({ queue, entries: refused.length, code, message })
      if (++failures === TRIES) throw new Error(`${queue} did not take ${refused.length} messages: ${code} ${message}`)
      const ids = new Set(refused.map(({ id }) => id))
      left = left.filter(({ id }) => ids.has(id))
      await pause(backoffMs(failures))
    }
  }

  return async (messages, onSent) => {
    const byQueue = Map.groupBy(messages, ({ queue }) => queue)
    // All are waited for, so that nothing is under way any more when one has failed.
    const outcomes = await Promise.allSettled([...byQueue].map(([queue, some]) => sendTo(queue, some, onSent)))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }
}

const inLanes = (messages: readonly Message[]) =>
  Array.from({ length: Math.ceil(messages.length / LANE) }, (_, i) => messages.slice(i * LANE, (i + 1) * LANE))
