// Types of the peers, as far as the benchmarks use them, for type checking where the peers are not installed.

declare module '@event-driven-io/emmett' {
  export interface StoredEvent {
    type: string
    // biome-ignore lint/suspicious/noExplicitAny: any payload
    data: any
  }
  export function CommandHandler<State>(options: {
    evolve(state: State, event: StoredEvent): State
    initialState(): State
  }): (store: unknown, streamId: string, decide: (state: State) => StoredEvent | StoredEvent[]) => Promise<unknown>
}

declare module '@event-driven-io/emmett-postgresql' {
  import type { StoredEvent } from '@event-driven-io/emmett'
  export interface EventStore {
    appendToStream(stream: string, events: StoredEvent[]): Promise<unknown>
    schema: { migrate(): Promise<unknown> }
    close(): Promise<void>
  }
  export type Projection = { name?: string }
  export function getPostgreSQLEventStore(url: string, options?: { connectionOptions?: { pool: unknown } }): EventStore
  export function pongoSingleStreamProjection<Document>(options: {
    collectionName: string
    canHandle: string[]
    evolve(document: Document | null, event: StoredEvent): Document | null
  }): Projection
  export function rebuildPostgreSQLProjections(options: {
    connectionString: string
    projections: Projection[]
    pulling?: { batchSize: number; pullingFrequencyInMs: number }
  }): { start(): Promise<void>; close(): Promise<void> }
}

declare module 'autocannon' {
  export interface Request {
    method: string
    path: string
    headers: Record<string, string>
    body?: string
  }
  export interface Instance extends PromiseLike<{ errors: number; timeouts: number; non2xx: number; duration: number }> {
    on(event: 'response', listener: (client: unknown, status: number, bytes: number, tookMs: number) => void): void
  }
  export default function autocannon(options: {
    url: string
    connections: number
    duration: number
    overallRate?: number
    requests: Request[]
    setupClient?(client: { setRequests(requests: Request[]): void }): void
  }): Instance
}

declare module '@platformatic/kafka' {
  interface Options {
    clientId: string
    bootstrapBrokers: string[]
  }
  export function stringSerializer(text?: string): Buffer | undefined
  export function stringDeserializer(bytes?: Buffer): string | undefined
  export class Producer {
    constructor(options: Options & { idempotent: boolean; acks: number; serializers: object })
    send(options: { messages: object[] }): Promise<unknown>
    close(): Promise<void>
  }
  export class Consumer {
    constructor(
      options: Options & {
        groupId: string
        autocommit: boolean
        maxWaitTime: number
        maxBytes: number
        maxBytesPerPartition: number
        deserializers: object
      },
    )
    on(event: 'consumer:group:join', listener: () => void): this
    consume(options: { topics: string[]; mode: 'earliest' }): Promise<AsyncIterable<unknown>>
    close(force: boolean): Promise<void>
  }
}
