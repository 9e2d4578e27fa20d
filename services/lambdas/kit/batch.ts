import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import { causeHeaders } from '../../kit/cause-headers.ts'
import { deadlineOf } from './deadline.ts'
import { log, reasonOf } from './log.ts'
import { pooled } from './pool.ts'

/** A message in hand. */
export interface Delivery {
  /** What its body says. */
  message: Record<string, unknown>
  /** Aborted when there is no time left for it. */
  signal: AbortSignal
  /** Tells the API for which request, and because of what, this is done. */
  headers: Record<string, string>
}

/** Does what one message asks for, and says in a few words what came of it. What it throws fails this message alone. */
export type Work = (delivery: Delivery) => Promise<string>

/** Most messages of a batch that are worked on at a time. */
const AT_A_TIME = 10

/**
 * A handler for batches of SQS messages that reports each one that failed.
 * @param perBatch called for every batch: what its messages share lives as long
 */
export const batchHandler =
  (perBatch: () => Work) =>
  async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const work = perBatch()
    const signal = deadlineOf(context)
    const failed = await pooled(event.Records, AT_A_TIME, async (record) => {
      const about = { messageId: record.messageId, receives: Number(record.attributes.ApproximateReceiveCount) }
      try {
        const message = messageOf(record)
        const outcome = await work({ message, signal, headers: causeHeaders(message) })
        log('info', outcome, { ...about, ...subjectOf(message) })
        return []
      } catch (error) {
        const reason = signal.aborted ? 'there was no time left' : reasonOf(error)
        log('warn', `failed: ${reason}`, { ...about, ...subjectOf(attempt(record)) })
        return [{ itemIdentifier: record.messageId }]
      }
    })
    return { batchItemFailures: failed.flat() }
  }

/** @throws Error when it is no JSON object: that fails, and ends in the dead-letter queue */
export function messageOf({ body }: Pick<SQSRecord, 'body'>): Record<string, unknown> {
  const message = parsed(body)
  if (typeof message === 'object' && message !== null && !Array.isArray(message)) return message as Record<string, unknown>
  throw new Error('the message is not a JSON object')
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new Error('the message is not JSON')
  }
}

function attempt(record: SQSRecord): Record<string, unknown> {
  try {
    return messageOf(record)
  } catch {
    return {}
  }
}

/** What a message is about, for the log. */
const subjectOf = ({ id, video_id, correlation_id }: Record<string, unknown>) => ({
  ...(id !== undefined && { noteId: id }),
  ...(video_id !== undefined && { videoId: video_id }),
  ...(correlation_id !== undefined && { correlationId: correlation_id }),
})
