/** SQS's own bounds of one request. */
export const MAX_ENTRIES = 10
export const MAX_BYTES = 1024 * 1024

/** Why SQS did not do with an entry of a batch what it was asked to. */
export interface Refusal {
  code: string
  message: string
  /** True when the same entry would be refused again; false when SQS is to blame, or the way to it. */
  isOurFault: boolean
  /**
   * True when that would go for any other entry too, until a person mends something: there is no such queue, the keys do not fit, or
   * something is not allowed.
   */
  isSetup: boolean
}

export interface Outgoing {
  /** The caller's own, of whatever form: SQS never sees it. */
  id: string
  body: string
  /** Text that goes with it, by name, and counts as part of the message. */
  attributes?: Record<string, string>
  /** Until it can be received, at most 900. */
  delaySeconds?: number
}

export type Sent = { id: string } & ({ messageId: string; refusal?: undefined } | { refusal: Refusal; messageId?: undefined })

/** What a sender attached to a message, beside its body: text or bytes. */
export interface MessageAttribute {
  type: string
  text?: string
  bytes?: Uint8Array
}

export interface Received {
  messageId: string
  body: string
  /** For extending and deleting; good for this receipt of the message only. */
  receipt: string
  /** How often it was received, this time included. */
  receiveCount: number
  /** Milliseconds since the epoch, by the clock of SQS. */
  sentAt: number
  /** The same, where the server tells. */
  firstReceivedAt?: number
  /** All that SQS says of it, under its own names. */
  systemAttributes: Record<string, string>
  attributes: Record<string, MessageAttribute>
  md5OfBody: string
}

export interface ReceiveOptions {
  /** At most ten. */
  max?: number
  /** How long to wait for the first message, at most 20. */
  waitSeconds?: number
  /** How long they are hidden from others; that of the queue if not given. */
  visibilitySeconds?: number
  /** Ends the wait: then nothing was received. */
  signal?: AbortSignal
}

export interface QueueAttributes {
  arn: string
  /** Approximate, as all three are. */
  visible: number
  inFlight: number
  delayed: number
  visibilitySeconds: number
  retentionSeconds: number
  /** Where messages go that were received too often; undefined when nowhere. */
  deadLetters?: { arn: string; maxReceiveCount: number }
  /** Who may use it, as JSON. */
  policy?: string
}

/** Queues of SQS, or of a server that speaks as SQS does. */
export interface Queues {
  /**
   * Sends messages, in as many requests as SQS's bounds ask for, one after the other and each of them once: whoever calls decides
   * what is sent again. Never rejects: when SQS cannot be reached, the entries say so.
   * @returns one for each message, in their order
   */
  sendBatch(queueUrl: string, messages: readonly Outgoing[]): Promise<Sent[]>
  /** Rejects with what SQS or the way to it failed with. */
  receive(queueUrl: string, options?: ReceiveOptions): Promise<Received[]>
  /**
   * Hides received messages for so many seconds from now on; with 0 they are there for everybody at once.
   * @returns those receipts for which it could not be done
   */
  extend(queueUrl: string, receipts: readonly string[], visibilitySeconds: number): Promise<Map<string, Refusal>>
  /** Deletes received messages. @returns those receipts for which it could not be done */
  delete(queueUrl: string, receipts: readonly string[]): Promise<Map<string, Refusal>>
  attributes(queueUrl: string): Promise<QueueAttributes>
  /** The URL of a queue of this account; undefined when there is none of this name. */
  urlOf(name: string): Promise<string | undefined>
  /** Makes a queue unless there is one. @returns its URL */
  create(name: string): Promise<string>
  /** Changes attributes of a queue, under SQS's names for them. */
  change(queueUrl: string, attributes: Record<string, string>): Promise<void>
  close(): void
}

/** The name of a queue, from its URL or its ARN. */
export const nameOf = (urlOrArn: string): string => /[^/:]*$/.exec(urlOrArn)![0]
