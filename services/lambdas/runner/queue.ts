import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'

/** A message that was received. */
export interface Received {
  id: string
  /** Names this reception of it. */
  receipt: string
  body: string
  /** How often it was received, this time included. */
  receives: number
  /** As SQS has it. */
  raw: Message
}

/** A queue as the runner needs one. */
export interface Queue {
  url: string
  /** Waits for messages, up to 20 s; none may come. They are hidden from others for so long. */
  receive(most: number, hiddenSeconds: number, signal: AbortSignal): Promise<Received[]>
  /** Hides messages for so many seconds from now. Those that are not there any more do not matter. */
  hide(messages: readonly Received[], seconds: number): Promise<void>
  /** @throws Error when some could not be deleted */
  remove(messages: readonly Received[]): Promise<void>
}

export interface SqsOptions {
  region: string
  endpoint?: string | undefined
  /** Where the SDK shall not look for them itself. */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string | undefined } | undefined
}

const WAIT_SECONDS = 20
const CONNECT_MS = 3_000
/** More than a long poll takes. */
const REQUEST_MS = 30_000
const REMOVALS = 3

/** Opens SQS. Nothing connects before the first message is asked for. */
export function openSqs({ region, endpoint, credentials }: SqsOptions) {
  const client = new SQSClient({
    region,
    // Others name hosts in the URLs of their queues that only they know.
    ...(endpoint !== undefined && { endpoint, useQueueUrlAsEndpoint: false }),
    ...(credentials && { credentials }),
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: REQUEST_MS, throwOnRequestTimeout: true },
  })
  return {
    queue: (url: string): Queue => sqsQueue(client, url),
    close: () => client.destroy(),
  }
}

function sqsQueue(client: SQSClient, QueueUrl: string): Queue {
  return {
    url: QueueUrl,
    async receive(MaxNumberOfMessages, VisibilityTimeout, abortSignal) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages,
          VisibilityTimeout,
          WaitTimeSeconds: WAIT_SECONDS,
          MessageSystemAttributeNames: ['All'],
          MessageAttributeNames: ['All'],
        }),
        { abortSignal },
      )
      return Messages.map((raw) => ({
        id: raw.MessageId!,
        receipt: raw.ReceiptHandle!,
        body: raw.Body ?? '',
        receives: Number(raw.Attributes?.ApproximateReceiveCount ?? 1),
        raw,
      }))
    },
    async hide(messages, VisibilityTimeout) {
      if (messages.length === 0) return
      const Entries = entriesOf(messages).map((entry) => ({ ...entry, VisibilityTimeout }))
      await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }))
    },
    async remove(messages) {
      let Entries = entriesOf(messages)
      // What is done and not deleted would be done again.
      for (let attempt = 1; Entries.length > 0; attempt++) {
        const { Failed = [] } = await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
        if (Failed.length > 0 && attempt === REMOVALS)
          throw new Error(`SQS did not delete ${Failed.length} messages: ${Failed[0]!.Message}`)
        const failed = new Set(Failed.map(({ Id }) => Id))
        Entries = Entries.filter(({ Id }) => failed.has(Id))
      }
    },
  }
}

const entriesOf = (messages: readonly Received[]) =>
  messages.map(({ receipt: ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }))
