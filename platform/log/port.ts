import type { Claim, Count, Credential } from '#events/kit/command.ts'
import type { Recorded } from '#events/kit/envelope.ts'
import type { Topic } from '#events/kit/stream.ts'

/** An event on its way in: the append gives it its position. */
export type Appended = Omit<Recorded, 'pos'>

/** What a group of commands saw of a stream, and what it makes of it if that is worth remembering. */
export interface StreamChange {
  stream: string
  /** The version that was seen; 0 for a stream that does not exist. */
  expected: number
  next?: Folded
}

/** What a stream folds to at a version, as JSON text. */
export interface Snapshot {
  version: number
  stateVersion: number
  state: string
}

export interface Folded extends Snapshot {
  /** Characters to read again since the last snapshot that was kept; 0 when this one is to be kept. */
  unkept: number
}

/** Where an event lies. */
export interface Place {
  topic: string
  partition: number
  pos: number
}

/** A stream as the log has it. */
export interface Found {
  /** The state that was kept last, if any was. */
  kept: Snapshot | undefined
  /** Where the last event lies that is in it; undefined when that was pruned, so long ago was it. */
  keptAt: Place | undefined
  /** All that came after it, in version order. */
  since: Recorded[]
}

/** A repeated Idempotency-Key gives `result` again. */
export interface KeyedResult {
  scope: string
  key: string
  /** Of the request: the same key with another request is a mistake. */
  fingerprint: string
  result: unknown
  /** The events that the first request caused. */
  events: { stream: string; version: number }[]
}

/** Commands that stand or fall together because one saw what another wrote. */
export interface Group {
  streams: StreamChange[]
  events: Appended[]
  claims: Claim[]
  credentials: Credential[]
  keys: KeyedResult[]
  /** In one append no name comes twice. */
  counts: Count[]
}

/** Why a group lost; nothing of it was written. */
export interface Lost {
  /** Streams whose version was no longer the one seen. */
  stale: string[]
  /** Claims that another owner holds. */
  taken: { kind: string; value: string }[]
  /** Idempotency keys used meanwhile. */
  usedKeys: { scope: string; key: string }[]
  /** Names of counts that would be greater than their bounds. */
  over: string[]
}

/** A verdict for each group, in order: the position of each of its events, or why it lost. */
export type Verdict = { positions: number[]; lost?: undefined } | { positions?: undefined; lost: Lost }

/** What must be known before deciding. */
export interface Wanted {
  streams: string[]
  /** How many numbers to draw from which sequence. */
  ids: Record<string, number>
  keys: { scope: string; key: string }[]
}

export interface Loaded {
  /** The position of the log's last event when the streams were read; 0 if none was asked for. */
  head: number
  /** Only streams that exist. */
  streams: Map<string, Found>
  ids: Record<string, number[]>
  /** Only keys that were used, with the places of their events. */
  keys: (KeyedResult & { places: Place[] })[]
}

/** The writing half. It is the same on every log: Kafka gets its events from here through the relay. */
export interface Appender {
  load(wanted: Wanted): Promise<Loaded>
  /**
   * Appends all groups in one transaction, in order; positions order is commit order.
   * @param known a position at which all that the groups saw was the truth: if it is still the last one, no stream needs to be
   *   looked up again. Without it each is.
   * @returns one verdict per group. Throws only when the database fails, and then nothing was written (or, if the connection broke during commit, it is unknown).
   */
  append(groups: Group[], known?: number): Promise<Verdict[]>
  /** The whole history of one stream, in version order. */
  stream(stream: string): Promise<Recorded[]>
}

/** Positions by partition; a partition that is absent stands at 0. */
export type Positions = ReadonlyMap<number, number>

export interface ReadQuery {
  topic: string
  /** Read strictly beyond these. Partitions that are not named are not read. */
  after: Positions
  /** Read no further than this position, if given. */
  upTo?: number
  limit: number
}

/** How much a partition still has for a consumer. */
export interface Behind {
  partition: number
  events: number
  /** When the oldest of them was appended, in milliseconds since the epoch. */
  since: number
}

/** One consumer's wish to follow a topic for as long as it runs. */
export interface Follower {
  /** Name of the consumer: one owner per consumer and partition at a time. */
  consumer: string
  topic: Topic
  /** Called when partitions become ours, before any batch: where to go on. */
  resume(partitions: number[]): Promise<Positions>
  /**
   * Called with events, in order within each partition, one call at a time. When it throws, ownership is given up and
   * sought again, after a growing pause unless it was `Fenced`; `resume` is then asked anew, so what was not applied comes again.
   */
  handle(batch: Recorded[]): Promise<void>
  /** Most events per batch. */
  batchSize?: number
  /**
   * How long to let events gather, in milliseconds, when it has caught up and more come in one after the other. A first event after
   * a pause does not wait. For consumers that nobody waits for: handling one event costs nearly as much as handling a hundred.
   */
  restMs?: number
  /** Told of every error that made it pause; following goes on. */
  onError?(error: unknown): void
}

/** Thrown by a handler whose checkpoint was moved by somebody else. */
export class Fenced extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Fenced'
  }
}

export interface Following {
  /** Finishes the batch in hand, gives up ownership, returns. */
  stop(): Promise<void>
}

/** The reading half: what differs between the embedded log and Kafka. */
export interface Reader {
  /** A bounded read, for replay and for people; touches no consumer. Events come in position order. */
  read(query: ReadQuery): Promise<Recorded[]>
  /** The position of the last event of each partition; partitions without events are absent. */
  heads(topic: Topic): Promise<Positions>
  /** What lies beyond these positions, per partition: only partitions with something to read. */
  behind(topic: Topic, after: Positions): Promise<Behind[]>
  follow(follower: Follower): Following
  close(): Promise<void>
}
