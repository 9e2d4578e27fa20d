import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import { causeHeaders, traceHeaders } from '../../kit/cause-headers.ts'
import { deadlineOf } from './deadline.ts'
import { log, reasonOf } from './log.ts'
import { pooled } from './pool.ts'

/** A message being processed. */
export interface Delivery {
  /** Its parsed body. */
  message: Record<string, unknown>
  /** Aborts when its time is up. */
  signal: AbortSignal
  /** Correlation headers for the API: the request and event that this work goes back to. */
  headers: Record<string, string>
}

/** Processes one message and returns a short result. An error fails only this message. */
export type Work = (delivery: Delivery) => Promise<string>

/** Messages of a batch processed concurrently. */
const AT_A_TIME = 10

/**
 * A handler for batches of SQS messages that reports each failed message.
 * @param perBatch called for every batch, so that its messages can share state
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
        const headers = { ...causeHeaders(message), ...traceHeaders(record.messageAttributes?.traceparent?.stringValue) }
        const outcome = await work({ message, signal, headers })
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

/**
 * @throws Error when the body is not a JSON object; the message then ends in the dead-letter queue
 */
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

/** Log fields that identify a message's subject. */
const subjectOf = ({ id, video_id, correlation_id }: Record<string, unknown>) => ({
  ...(id !== undefined && { noteId: id }),
  ...(video_id !== undefined && { videoId: video_id }),
  ...(correlation_id !== undefined && { correlationId: correlation_id }),
})
