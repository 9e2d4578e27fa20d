import {
  type BatchResultErrorEntry,
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import type { AwsAccess } from '#platform/aws/access.ts'
import { batches } from './batches.ts'
import {
  MAX_BYTES,
  MAX_ENTRIES,
  type MessageAttribute,
  type Outgoing,
  type QueueAttributes,
  type Queues,
  type Received,
  type Refusal,
  type Sent,
} from './queues.ts'

const CONNECT_MS = 3_000
/** How long an answer may take, in addition to the requested wait. */
const REQUEST_MS = 10_000
/** For requests that are safe to repeat. */
const ATTEMPTS = 3

/** Accesses queues with the AWS SDK. Nothing connects before the first request. */
export function sqsQueues({ region, endpoint, credentials }: AwsAccess): Queues {
  const clientOf = (maxAttempts: number) =>
    new SQSClient({
      region,
      // The host in a queue's URL is the server's own name, which may not resolve from here.
      ...(endpoint !== undefined && { endpoint, useQueueUrlAsEndpoint: false }),
      ...(credentials && { credentials }),
      maxAttempts,
      // The connection has checksums of its own; checking MD5 as well took a tenth of this process's time for sending.
      md5: false,
      requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: REQUEST_MS, throwOnRequestTimeout: true },
    })
  const client = clientOf(ATTEMPTS)
  const sender = clientOf(1)

  async function sendOne(QueueUrl: string, messages: readonly Outgoing[]): Promise<Sent[]> {
    if (bytesOf(messages[0]!) > MAX_BYTES) return messages.map(({ id }) => ({ id, refusal: tooLarge }))
    const Entries = messages.map(({ body, attributes, delaySeconds }, i) => ({
      Id: String(i),
      MessageBody: body,
      ...(delaySeconds && { DelaySeconds: delaySeconds }),
      ...(attributes && { MessageAttributes: outgoing(attributes) }),
    }))
    try {
      const { Successful = [], Failed = [] } = await sender.send(new SendMessageBatchCommand({ QueueUrl, Entries }))
      const ids = new Map(Successful.map(({ Id, MessageId }) => [Id, MessageId!]))
      const refusals = refusalsOf(Failed)
      return messages.map(({ id }, i) => {
        const messageId = ids.get(String(i))
        return messageId === undefined ? { id, refusal: refusals.get(String(i)) ?? unanswered } : { id, messageId }
      })
    } catch (error) {
      const refusal = refusalOf(error)
      return messages.map(({ id }) => ({ id, refusal }))
    }
  }

  /** Makes a batch request for receipts and retries entries that failed because of SQS. @returns the refused receipts */
  async function forEach(
    receipts: readonly string[],
    ask: (entries: { Id: string; ReceiptHandle: string }[]) => Promise<{ Failed?: BatchResultErrorEntry[] | undefined }>,
  ): Promise<Map<string, Refusal>> {
    const refused = new Map<string, Refusal>()
    for (const part of batches(receipts)) {
      let left = part
      for (let attempt = 1; left.length > 0; attempt++) {
        const asked = left
        left = []
        try {
          const { Failed = [] } = await ask(asked.map((ReceiptHandle, i) => ({ Id: String(i), ReceiptHandle })))
          for (const [id, refusal] of refusalsOf(Failed)) {
            const receipt = asked[Number(id)]!
            if (refusal.isOurFault || attempt === ATTEMPTS) refused.set(receipt, refusal)
            else left.push(receipt)
          }
        } catch (error) {
          // The SDK has already retried the request.
          for (const receipt of asked) refused.set(receipt, refusalOf(error))
        }
      }
    }
    return refused
  }

  return {
    async sendBatch(queueUrl, messages) {
      const sent: Sent[] = []
      for (const part of batches(messages, bytesOf)) sent.push(...(await sendOne(queueUrl, part)))
      return sent
    },
    async receive(QueueUrl, { max = MAX_ENTRIES, waitSeconds = 0, visibilitySeconds, signal } = {}) {
      const ask = new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: max,
        WaitTimeSeconds: waitSeconds,
        VisibilityTimeout: visibilitySeconds,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      })
      try {
        const { Messages = [] } = await client.send(ask, {
          abortSignal: signal,
          requestTimeout: REQUEST_MS + waitSeconds * 1_000,
        })
        return Messages.map(received)
      } catch (error) {
        if (signal?.aborted) return []
        throw error
      }
    },
    extend: (QueueUrl, receipts, VisibilityTimeout) =>
      forEach(receipts, (entries) => {
        const Entries = entries.map((entry) => ({ ...entry, VisibilityTimeout }))
        return client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }))
      }),
    delete: (QueueUrl, receipts) =>
      forEach(receipts, (Entries) => client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))),
    async attributes(QueueUrl) {
      const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))
      return attributesOf(Attributes ?? {})
    },
    async urlOf(QueueName) {
      try {
        return (await client.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl
      } catch (error) {
        if (error instanceof QueueDoesNotExist) return undefined
        throw error
      }
    },
    create: async (QueueName) => (await client.send(new CreateQueueCommand({ QueueName }))).QueueUrl!,
    change: async (QueueUrl, Attributes) => void (await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }))),
    close() {
      client.destroy()
      sender.destroy()
    },
  }
}

const bytesOf = ({ body, attributes = {} }: Outgoing) =>
  Object.entries(attributes)
    .flatMap(([name, one]) => [name, ...Object.values(attributeOf(one))])
    .reduce((bytes, part) => bytes + Buffer.byteLength(part), Buffer.byteLength(body))

const attributeOf = (given: string | MessageAttribute): MessageAttribute =>
  typeof given === 'string' ? { type: 'String', text: given } : given

const outgoing = (attributes: NonNullable<Outgoing['attributes']>) =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, one]) => {
      const { type, text, bytes } = attributeOf(one)
      return [name, { DataType: type, StringValue: text, BinaryValue: bytes }]
    }),
  )

const tooLarge: Refusal = {
  code: 'MessageTooLong',
  message: `a message holds at most ${MAX_BYTES} bytes`,
  isOurFault: true,
  isSetup: false,
}
const unanswered: Refusal = {
  code: 'NoAnswer',
  message: 'SQS gave no answer for this message',
  isOurFault: false,
  isSetup: false,
}

/** Throttling: a client error by its status code, but retrying can help. */
const SLOW_DOWN = /throttl|limitexceeded|toomanyrequests|slowdown|overlimit/i
/** Errors caused by an entry itself. With any other client error SQS would refuse every other request as well. */
const OF_ENTRY =
  /^(InvalidMessageContents|InvalidParameterValue|MissingParameter|BatchRequestTooLong|ReceiptHandleIsInvalid|ValidationE.*)$/
/** Errors reported for each entry but caused by the setup. */
const OF_SETUP = /NonExistentQueue|DoesNotExist|AccessDenied|KMS|Security|Credential|Token|Signature/i

const refusalsOf = (failed: readonly BatchResultErrorEntry[]) =>
  new Map(
    failed.map(({ Id, Code: code = 'Unknown', Message: message = '', SenderFault = false }): [string, Refusal] => {
      const isOurFault = SenderFault && !SLOW_DOWN.test(code)
      return [Id!, { code, message, isOurFault, isSetup: isOurFault && OF_SETUP.test(code) }]
    }),
  )

/** Why a whole request failed. */
function refusalOf(error: unknown): Refusal {
  const { name, code, message, $fault, $retryable, $metadata } = error as Error & {
    code?: string
    $fault?: string
    $retryable?: unknown
    $metadata?: { httpStatusCode?: number }
  }
  // The SDK looks for credentials before it sends anything, so this error has no `$fault`.
  const isRefused = $fault === 'client' || name === 'CredentialsProviderError'
  const isOurFault = isRefused && !$retryable && $metadata?.httpStatusCode !== 429 && !SLOW_DOWN.test(name)
  // Node's error has an empty message when it could connect to none of several addresses.
  return { code: code ?? name, message: message || code || name, isOurFault, isSetup: isOurFault && !OF_ENTRY.test(name) }
}

function received({ MessageId, Body, ReceiptHandle, Attributes, MessageAttributes = {}, MD5OfBody }: Message): Received {
  const { ApproximateReceiveCount, SentTimestamp, ApproximateFirstReceiveTimestamp } = Attributes ?? {}
  return {
    messageId: MessageId!,
    body: Body ?? '',
    receipt: ReceiptHandle!,
    receiveCount: Number(ApproximateReceiveCount ?? 1),
    sentAt: Number(SentTimestamp ?? 0),
    ...(ApproximateFirstReceiveTimestamp && { firstReceivedAt: Number(ApproximateFirstReceiveTimestamp) }),
    systemAttributes: { ...Attributes },
    attributes: Object.fromEntries(
      Object.entries(MessageAttributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
        name,
        {
          type: DataType!,
          ...(StringValue !== undefined && { text: StringValue }),
          ...(BinaryValue !== undefined && { bytes: BinaryValue }),
        },
      ]),
    ),
    md5OfBody: MD5OfBody ?? '',
  }
}

const attributesOf = (given: Partial<Record<string, string>>): QueueAttributes => ({
  arn: given.QueueArn!,
  visible: Number(given.ApproximateNumberOfMessages),
  inFlight: Number(given.ApproximateNumberOfMessagesNotVisible),
  delayed: Number(given.ApproximateNumberOfMessagesDelayed),
  visibilitySeconds: Number(given.VisibilityTimeout),
  retentionSeconds: Number(given.MessageRetentionPeriod),
  ...(given.RedrivePolicy && { deadLetters: deadLettersOf(given.RedrivePolicy) }),
  ...(given.Policy && { policy: given.Policy }),
})

/** AWS sends the count as a number, other servers as text. */
function deadLettersOf(redrivePolicy: string): QueueAttributes['deadLetters'] {
  const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(redrivePolicy)
  return { arn: deadLetterTargetArn, maxReceiveCount: Number(maxReceiveCount) }
}
