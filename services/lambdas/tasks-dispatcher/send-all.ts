import { setTimeout as delay } from 'node:timers/promises'
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs'

/** SQS's limit for one batch. */
const BATCH = 10
const ATTEMPTS = 4
const PAUSE_MS = 200

/**
 * Sends messages in batches of ten. Only entries that SQS refused are sent again.
 * @throws Error when SQS still refuses some after the last attempt
 */
export async function sendAll(client: SQSClient, queueUrl: string, messages: readonly unknown[], signal: AbortSignal) {
  for (let from = 0; from < messages.length; from += BATCH)
    await sendBatch(client, queueUrl, messages.slice(from, from + BATCH), signal)
}

async function sendBatch(client: SQSClient, QueueUrl: string, messages: readonly unknown[], signal: AbortSignal) {
  let Entries = messages.map((message, index) => ({ Id: String(index), MessageBody: JSON.stringify(message) }))
  for (let attempt = 1; ; attempt++) {
    const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }), { abortSignal: signal })
    if (Failed.length === 0) return
    if (attempt === ATTEMPTS)
      throw new Error(`SQS did not take ${Failed.length} messages: ${Failed[0]!.Message ?? Failed[0]!.Code}`)
    const failed = new Set(Failed.map(({ Id }) => Id))
    Entries = Entries.filter(({ Id }) => failed.has(Id))
    await delay(PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random()), undefined, { signal })
  }
}
