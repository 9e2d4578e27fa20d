/** SQS's limits for one request. */
export const MAX_ENTRIES = 10
export const MAX_BYTES = 1024 * 1024

/** Why SQS refused an entry of a batch, or could not process it. */
export interface Refusal {
  code: string
  message: string
  /** True when SQS would refuse the same entry again; false when SQS or the connection failed. */
  isOurFault: boolean
  /**
   * True when SQS would also refuse any other entry until a person changes the setup: the queue does not exist, the keys are wrong, or
   * permissions are missing.
   */
  isSetup: boolean
}

export interface Outgoing {
  /** The caller's id for the entry, in any form; SQS never sees it. */
  id: string
  body: string
  /** Attributes by name, a string for a text; they count towards the size of the message. */
  attributes?: Record<string, string | MessageAttribute>
  /** Delay until the message can be received, at most 900. */
  delaySeconds?: number
}

export type Sent = { id: string } & ({ messageId: string; refusal?: undefined } | { refusal: Refusal; messageId?: undefined })

/** An attribute that the sender attached to a message: text or bytes. */
export interface MessageAttribute {
  type: string
  text?: string
  bytes?: Uint8Array
}

export interface Received {
  messageId: string
  body: string
  /** Receipt handle for extending and deleting; valid only for this receive of the message. */
  receipt: string
  /** How often it was received, including this time. */
  receiveCount: number
  /** Milliseconds since the epoch, by SQS's clock. */
  sentAt: number
  /** The same unit; undefined if the server does not report it. */
  firstReceivedAt?: number
  /** All system attributes, under SQS's names. */
  systemAttributes: Record<string, string>
  attributes: Record<string, MessageAttribute>
  md5OfBody: string
}

export interface ReceiveOptions {
  /** At most ten. */
  max?: number
  /** How long to wait for the first message, at most 20. */
  waitSeconds?: number
  /** How long the messages are hidden from other receivers; the queue's own setting if not given. */
  visibilitySeconds?: number
  /** Ends the wait with an empty result. */
  signal?: AbortSignal
}

export interface QueueAttributes {
  arn: string
  /** Number of messages; approximate, like `inFlight` and `delayed`. */
  visible: number
  inFlight: number
  delayed: number
  visibilitySeconds: number
  retentionSeconds: number
  /** The dead-letter queue for messages received too often; undefined if there is none. */
  deadLetters?: { arn: string; maxReceiveCount: number }
  /** The access policy as JSON. */
  policy?: string
}

/** Queues of SQS, or of an SQS-compatible server. */
export interface Queues {
  /**
   * Sends messages in as many requests as SQS's limits require, one after the other, without retries: the caller decides what to
   * send again. Never rejects: when SQS cannot be reached, every result has a refusal.
   * @returns one result for each message, in order
   */
  sendBatch(queueUrl: string, messages: readonly Outgoing[]): Promise<Sent[]>
  /** Receives messages. Rejects with errors of SQS or of the connection. */
  receive(queueUrl: string, options?: ReceiveOptions): Promise<Received[]>
  /**
   * Hides received messages for `visibilitySeconds` from now on; with 0 they can be received again at once.
   * @returns the receipts for which it failed, with the reason
   */
  extend(queueUrl: string, receipts: readonly string[], visibilitySeconds: number): Promise<Map<string, Refusal>>
  /** Deletes received messages. @returns the receipts for which it failed, with the reason */
  delete(queueUrl: string, receipts: readonly string[]): Promise<Map<string, Refusal>>
  attributes(queueUrl: string): Promise<QueueAttributes>
  /** The URL of a queue in this account; undefined when no queue has this name. */
  urlOf(name: string): Promise<string | undefined>
  /** Creates a queue if it does not exist. @returns its URL */
  create(name: string): Promise<string>
  /** Changes attributes of a queue, given under SQS's names. */
  change(queueUrl: string, attributes: Record<string, string>): Promise<void>
  close(): void
}

/** The trace context in which a message was sent, if its sender attached it. */
export const traceparentOf = ({ attributes }: Pick<Received, 'attributes'>): string | undefined => attributes.traceparent?.text

/** The name of a queue from its URL or ARN. */
export const nameOf = (urlOrArn: string): string => /[^/:]*$/.exec(urlOrArn)![0]
