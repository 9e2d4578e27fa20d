import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import type { MessageAttribute, Received } from '#platform/sqs/queues.ts'

/** SQS messages in the format in which AWS passes them to a function. */
export const sqsEvent = (messages: readonly Received[], queueUrl: string, region: string): SQSEvent => ({
  Records: messages.map(({ messageId, receipt, body, systemAttributes, attributes, md5OfBody }) => ({
    messageId,
    receiptHandle: receipt,
    body,
    attributes: systemAttributes as unknown as SQSEvent['Records'][number]['attributes'],
    messageAttributes: Object.fromEntries(Object.entries(attributes).map(([name, one]) => [name, attributeOf(one)])),
    md5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: arnOf(queueUrl, region),
    awsRegion: region,
  })),
})

const attributeOf = ({ type, text, bytes }: MessageAttribute) => ({
  ...(text !== undefined && { stringValue: text }),
  ...(bytes !== undefined && { binaryValue: Buffer.from(bytes).toString('base64') }),
  stringListValues: [],
  binaryListValues: [],
  dataType: type,
})

function arnOf(url: string, region: string): string {
  const [account = '', name = ''] = new URL(url).pathname.split('/').filter(Boolean).slice(-2)
  return `arn:aws:sqs:${region}:${account}:${name}`
}

/** Result of a batch. `why` says why the whole batch failed although nothing was thrown. */
export interface BatchOutcome {
  done: Received[]
  failed: Received[]
  why?: string
}

/**
 * Interprets a function's answer to a batch as AWS does: no answer means that all succeeded, and an answer with unknown message ids
 * fails the whole batch.
 */
export function outcomeOf(messages: readonly Received[], answer: unknown): BatchOutcome {
  const all = [...messages]
  const failures = (answer as Partial<SQSBatchResponse> | null | undefined)?.batchItemFailures
  if (failures === undefined || failures === null) return { done: all, failed: [] }
  if (!Array.isArray(failures)) return { done: [], failed: all, why: 'batchItemFailures is not a list' }
  const named = new Set(failures.map((failure: { itemIdentifier?: unknown } | null) => failure?.itemIdentifier))
  const ids = new Set<unknown>(all.map(({ messageId }) => messageId))
  if (![...named].every((id) => ids.has(id)))
    return { done: [], failed: all, why: 'batchItemFailures names a message that is not in the batch' }
  return {
    done: all.filter(({ messageId }) => !named.has(messageId)),
    failed: all.filter(({ messageId }) => named.has(messageId)),
  }
}
