import { DeleteMessageBatchCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'

/** Arrival of a message about a note. Both times in milliseconds since the epoch. */
export interface Arrival {
  sentAt: number
  receivedAt: number
}

/** Consumes messages about notes with `polls` parallel long polls, and deletes them. */
export function startConsumer(client: SQSClient, QueueUrl: string, polls: number) {
  const abort = new AbortController()
  const arrivals = new Map<number, PromiseWithResolvers<Arrival>>()
  const arrivalOf = (noteId: number) => {
    const known = arrivals.get(noteId) ?? Promise.withResolvers<Arrival>()
    arrivals.set(noteId, known)
    return known
  }
  const poll = async () => {
    while (!abort.signal.aborted) {
      const ask = new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 20,
        MessageSystemAttributeNames: ['SentTimestamp'],
      })
      const { Messages = [] } = await client.send(ask, { abortSignal: abort.signal })
      const receivedAt = performance.timeOrigin + performance.now()
      for (const { Body, Attributes } of Messages)
        arrivalOf(JSON.parse(Body!).id).resolve({ sentAt: Number(Attributes!.SentTimestamp), receivedAt })
      const Entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }))
      if (Entries.length > 0) await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
    }
  }
  const polling = Promise.allSettled(Array.from({ length: polls }, poll))
  return {
    /** Resolves with the arrival of a note's message. */
    arrival: (noteId: number) => arrivalOf(noteId).promise,
    async stop() {
      abort.abort()
      await polling
    },
  }
}
