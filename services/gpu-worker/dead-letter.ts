import { type QueuePair, withDeadLetters } from '#platform/sqs/dead-letters.ts'
import type { Queues, Received } from '#platform/sqs/queues.ts'
import type { Logger } from '#platform/telemetry/logger.ts'

/** A queue's rule for messages that are received too often. */
export interface LastResort {
  /** Receives after which a message counts as dead. */
  maxReceives: number
  /** Queue to which the worker may send dead messages itself; undefined if there is none. */
  deadUrl: string | undefined
  /** Whether SQS moves dead messages by itself. */
  isMoved: boolean
}

/** Used when the queue has no redrive policy. */
const USUAL_RECEIVES = 5

/**
 * @returns undefined when the queue cannot be asked
 */
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
/** Characters that SQS refuses in text: all that XML 1.0 does not allow. */
const UNFIT = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu

export const causeText = (cause: string): string =>
  [...cause.toWellFormed().replace(UNFIT, ' ')].slice(0, MOST_CHARACTERS).join('')

/**
 * Sends a message to the dead-letter queue, with its cause as an attribute. Returns whether the message may now be deleted. If
 * sending is impossible, SQS has to move the message. If SQS does not move messages either, the message is logged and true is
 * returned, because it must not come back for ever.
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
