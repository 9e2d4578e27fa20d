import { type QueuePair, withDeadLetters } from '#platform/sqs/dead-letters.ts'
import type { Queues, Received } from '#platform/sqs/queues.ts'
import type { Logger } from '#platform/telemetry/logger.ts'

/** What a queue does with messages that are received too often. */
export interface LastResort {
  /** How often a message is received before it counts as dead. */
  maxReceives: number
  /** Where we may send it ourselves; undefined when nowhere. */
  deadUrl: string | undefined
  /** Whether SQS moves it. */
  isMoved: boolean
}

/** Where a queue has no such rule of its own. */
const USUAL_RECEIVES = 5

/** @returns undefined when the queue cannot be asked */
export async function lastResortOf(queues: Queues, queueUrl: string): Promise<LastResort | undefined> {
  let pair: QueuePair
  try {
    pair = await withDeadLetters(queues, queueUrl)
  } catch {
    return undefined
  }
  const { deadLetters } = pair.source.attributes
  return {
    maxReceives: deadLetters?.maxReceiveCount ?? USUAL_RECEIVES,
    deadUrl: pair.dead?.url,
    isMoved: deadLetters !== undefined,
  }
}

const MOST_CHARACTERS = 1_000
/** What SQS takes in text: all that XML 1.0 does. */
const UNFIT = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu

export const causeText = (cause: string): string =>
  [...cause.toWellFormed().replace(UNFIT, ' ')].slice(0, MOST_CHARACTERS).join('')

/**
 * Sends a message to the dead-letter queue, with its cause as an attribute, and says whether it may be deleted. Without a queue for
 * it, SQS has to move it; where it does not, it is kept in the log and goes, for it must not come for ever.
 */
export async function buried(
  queues: Queues,
  { body, messageId }: Received,
  cause: string,
  lastResort: LastResort | undefined,
  log: Logger,
): Promise<boolean> {
  const deadUrl = lastResort?.deadUrl
  if (deadUrl !== undefined) {
    const [sent] = await queues.sendBatch(deadUrl, [{ id: messageId, body, attributes: { cause: causeText(cause) } }])
    if (!sent!.refusal) {
      log.error({ cause, deadLetterQueue: deadUrl }, `sent to the dead-letter queue: ${cause}`)
      return true
    }
    log.warn({ refusal: sent!.refusal, cause }, 'could not send it to the dead-letter queue: SQS will move it there')
    return false
  }
  if (lastResort?.isMoved === false) {
    log.error({ cause, body: body.slice(0, MOST_CHARACTERS) }, `deleted, for the queue has no dead-letter queue: ${cause}`)
    return true
  }
  log.warn({ cause }, `cannot be handled: ${cause}; SQS will move it to the dead-letter queue`)
  return false
}
