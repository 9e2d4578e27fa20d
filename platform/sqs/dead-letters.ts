import { nameOf, type QueueAttributes, type Queues } from './queues.ts'

export interface QueueState {
  url: string
  attributes: QueueAttributes
}

export interface QueuePair {
  source: QueueState
  /** Undefined when there is none, or when it could not be read. */
  dead?: QueueState
  /** Why its dead-letter queue could not be read. */
  error?: unknown
}

/**
 * A queue as it stands, and the one behind it for its dead letters.
 * @throws what the queue itself could not be read for
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
