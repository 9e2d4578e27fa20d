import { nameOf, type QueueAttributes, type Queues } from './queues.ts'

export interface QueueState {
  url: string
  attributes: QueueAttributes
}

/** A queue as it stands, and the one behind it for its dead letters; undefined when there is none, or not in this account. */
export async function withDeadLetters(
  queues: Queues,
  url: string,
): Promise<{ source: QueueState; dead: QueueState | undefined }> {
  const attributes = await queues.attributes(url)
  const { deadLetters } = attributes
  const deadUrl = deadLetters && (await queues.urlOf(nameOf(deadLetters.arn)))
  return {
    source: { url, attributes },
    dead: deadUrl === undefined ? undefined : { url: deadUrl, attributes: await queues.attributes(deadUrl) },
  }
}
