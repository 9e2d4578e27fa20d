import type { DatabaseSync } from 'node:sqlite'
import type { buildApp } from 'fauxqs'

/**
 * Types of the unexported parts of fauxqs 2.4.1 that we use. Its own `start` listens on every interface of the machine and closes
 * its file while requests run, so we assemble the parts ourselves.
 */
export interface FauxqsParts {
  buildApp(options: { logger: boolean; stores: { sqsStore: SqsStore; snsStore: object; s3Store: S3Store } }): App
  SqsStore: new () => SqsStore
  SqsRouter: { prototype: { register(action: string, handler: Handler): void } }
  INVALID_MESSAGE_BODY_CHAR: RegExp
  SnsStore: new () => { persistence?: Persistence }
  S3Store: new () => S3Store
  PersistenceManager: new (folder: string) => Persistence
}

export type App = ReturnType<typeof buildApp>
export type Handler = (body: unknown, store: SqsStore, request: Request) => unknown
/** The part of a request that we use: its connection. */
export interface Request {
  raw: { socket: { destroyed: boolean } }
}

export interface Persistence {
  db: DatabaseSync
  updateMessageReady(messageId: string): void
  load(sqs: SqsStore, sns: object, s3: S3Store): void
  close(): void
}

export interface Message {
  sentTimestamp: number
}

export interface SqsQueue {
  name: string
  url: string
  messages: Message[]
  delayedMessages: Message[]
  inflightMessages: Map<string, { message: Message }>
  pollTimer?: NodeJS.Timeout | undefined
  persistence?: Persistence
  dequeue(...args: unknown[]): unknown[]
  waitForMessages(seconds: number): Promise<void>
  startPollTimerIfNeeded(): void
  processTimers(): void
}

export interface SqsStore {
  host: string
  region?: string
  persistence?: Persistence
  queues: Map<string, SqsQueue>
  createQueue(...args: unknown[]): SqsQueue
  getQueue(url: string): SqsQueue | undefined
  getQueueByArn(arn: string): SqsQueue | undefined
  getQueueByName(name: string): SqsQueue | undefined
  allQueues(): Iterable<SqsQueue>
}

export interface S3Store {
  persistence?: Persistence
  buckets: Map<string, Map<string, unknown>>
  createBucket(name: string): void
  putObject(bucket: string, key: string, body: Buffer, contentType: string): unknown
}

/**
 * Loads the parts by file path, because the package does not export them. test/platform/aws/fauxqs.it.ts fails when another version
 * has them elsewhere.
 */
export async function fauxqsParts(): Promise<FauxqsParts> {
  const entry = import.meta.resolve('fauxqs')
  const files = [
    'app.js',
    'persistence.js',
    'sqs/sqsStore.js',
    'sqs/sqsRouter.js',
    'sqs/sqsTypes.js',
    'sns/snsStore.js',
    's3/s3Store.js',
  ]
  const modules = await Promise.all(files.map((file) => import(new URL(file, entry).href)))
  return Object.assign({}, ...modules)
}
