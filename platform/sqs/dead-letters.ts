import { nameOf, type QueueAttributes, type Queues } from './queues.ts'

export interface QueueState {
  url: string
  attributes: QueueAttributes
}

export interface QueuePair {
  source: QueueState
  /** The dead-letter queue; undefined when there is none, or when it could not be read. */
  dead?: QueueState
  /** Why the dead-letter queue could not be read. */
  error?: unknown
}

/**
 * Reads the state of a queue and of its dead-letter queue.
 * @throws the error when the queue itself cannot be read
 */
export async function withDeadLetters(queues: Queues, url: string): Promise<QueuePair> {
  const source = { url, attributes: await queues.attributes(url) }
  const { deadLetters } = source.attributes
  if (!deadLetters) return { source }
  try {
    const deadUrl = await queues.urlOf(nameOf(deadLetters.arn))
    if (deadUrl === undefined) throw new Error('there is no such queue in this account')
    return { source, dead: { url: deadUrl, attributes: await queues.attributes(deadUrl) } }
  } catch (error) {
    return { source, error }
  }
}
