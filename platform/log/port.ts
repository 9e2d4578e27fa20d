import type { Count, Credential, Reservation } from '#events/kit/command.ts'
import type { RareField, Recorded, Replayed } from '#events/kit/envelope.ts'
import type { Topic } from '#events/kit/stream.ts'
import type { Holder } from '../pg/holder.ts'

/** An event before its append, which assigns the position. */
export type Appended = Omit<Recorded, 'pos'>

/** A stream that a group read or wrote, and its new state if that is worth remembering. */
export interface StreamChange {
  stream: string
  /** The version that the group read; 0 for a stream that does not exist. */
  expected: number
  next?: FoldedState
}

/** The folded state of a stream at a version, as JSON text. */
export interface Snapshot {
  version: number
  stateVersion: number
  state: string
}

export interface FoldedState extends Snapshot {
  /** When its last event was recorded, in milliseconds since the epoch; 0 when that event was pruned. */
  time: number
  /** Characters of events after the last stored snapshot; 0 when this state is to be stored as one. */
  unkept: number
}

/** Topic, partition and position of an event. */
export interface Place {
  topic: string
  partition: number
  pos: number
}

/** A stream as loaded from the log: its last snapshot and the events after it. */
export interface Found {
  /** The last snapshot, if there is one. */
  kept: Snapshot | undefined
  /** Place and time of the snapshot's last event; undefined when that event was pruned. */
  keptAt: (Place & { time: number }) | undefined
  /** All events after the snapshot, in version order. */
  since: Recorded[]
}

/** A stream as it was at one of its versions. */
export interface StreamVersion {
  stream: string
  version: number
}

/** The stored result of a command; a request that repeats its Idempotency-Key gets `result` again. */
export interface KeyedResult {
  scope: string
  key: string
  /** Identifies the request: the same key with another request is an error. */
  fingerprint: string
  result: unknown
  /** The events that the first request caused. */
  events: StreamVersion[]
  /** The versions that it was decided on. Undefined when older code, which did not record them, stored the result. */
  reads?: StreamVersion[] | undefined
  /** The ids that were drawn for it; undefined as above. */
  ids?: Record<string, number> | undefined
  /** The code that decided it (see `madeBy`); undefined as above. */
  madeBy?: string | undefined
}

/** Commands of a round that win or lose together, because one read what another wrote. */
export interface Group {
  streams: StreamChange[]
  events: Appended[]
  reservations: Reservation[]
  credentials: Credential[]
  results: KeyedResult[]
  /** Each name occurs at most once per append. */
  counts: Count[]
}

/** Why a group lost; nothing of it was written. */
export interface Lost {
  /** Streams whose version is no longer the expected one. */
  stale: string[]
  /** Values that another stream has reserved. */
  taken: { kind: string; value: string }[]
  /** Idempotency keys that another command has used meanwhile. */
  usedKeys: { scope: string; key: string }[]
  /** Names of counts that would exceed their bounds. */
  over: string[]
}

/** A verdict for each group, in order: the position of each of its events, or why it lost. */
export type Verdict = { positions: number[]; lost?: undefined } | { positions?: undefined; lost: Lost }

/** What to load before deciding. */
export interface Wanted {
  streams: string[]
  /** How many ids to draw from each sequence. */
  ids: Record<string, number>
  idempotencyKeys: { scope: string; key: string }[]
}

export interface Loaded {
  /** The position of the log's last event when the streams were read; 0 if no stream was asked for. */
  head: number
  /** Only streams that exist. */
  streams: Map<string, Found>
  ids: Record<string, number[]>
  /**
   * Only keys that were used. `places`: where their events are; `seen`: where the last events are that they were decided on; `at`:
   * when the key was used, in milliseconds since the epoch.
   */
  results: (KeyedResult & { places: Place[]; seen: Place[]; at: number })[]
}

/** The writing half of the log. Always in Postgres: the relay publishes its events to Kafka. */
export interface Appender {
  load(wanted: Wanted): Promise<Loaded>
  /**
   * Appends all groups in one transaction, in order; position order is commit order.
   * @param known log position at which all versions that the groups read were current: if it is still the last position, no
   *   stream is looked up again. Without it each stream is.
   * @param seen the last log position that the caller has seen: a log that ends before it has lost events, and is halted
   * @returns one verdict per group
   * @throws only when the database fails. Nothing was written then; if the connection broke during the commit, that is unknown
   */
  append(groups: Group[], known?: number, seen?: number): Promise<Verdict[]>
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
  /** Fail when events after these positions are missing from the log. For readers that fold the whole history. */
  whole?: boolean
}

/** A history to read. */
export interface HistoryQuery {
  topic: string
  /** The partitions to read, each with the last position to read. */
  upTo: Positions
  /** Read strictly beyond these; from the first event on where none is given. */
  after: Positions
  /** Which of the rare fields to read; the events have no others. */
  uses: readonly RareField[]
}

/** Gets the next events of a history. An error ends the reading. */
export type TakeHistory = (events: Replayed[]) => void | Promise<void>

/** How far a consumer is behind in a partition. */
export interface Behind {
  partition: number
  events: number
  /** When the oldest of them was appended, in milliseconds since the epoch. */
  since: number
}

/** The positions of one consumer in a topic. */
export interface Standpoint {
  topic: Topic
  /** Partitions that are absent stand at 0. */
  after: Positions
}

/** How far a consumer is behind in a partition, with what monitoring shows. */
export interface PartitionBehind {
  partition: number
  /** The position of its last event; 0 when it is empty. */
  head: number
  /** Events after the consumer's position; undefined when they could not be counted, `problem` says why. */
  events?: number | undefined
  /** When the oldest of them was appended, in milliseconds since the epoch; null when there is none. */
  since: number | null
  /** Events that the partition has ever had, up to its head; undefined when not known. */
  total?: number | undefined
  /** Lower bound of the events that the log lost before the consumer handled them. */
  lost?: number | undefined
  problem?: string | undefined
}

/** One consumer that follows a topic for as long as it runs. */
export interface Follower {
  /** Name of the consumer. Each of its partitions has one owner (process) at a time. */
  consumer: string
  topic: Topic
  /** Called when this process becomes owner of partitions, before any batch. Returns the positions to continue after. */
  resume(partitions: number[]): Promise<Positions>
  /**
   * Called with events, in order within each partition, one call at a time. When it throws, ownership is given up and sought again,
   * after a growing pause unless it was `Fenced`, or some seconds after `NewerCode`; `resume` is then called again, and events that
   * were not applied come again.
   */
  handle(batch: Recorded[]): Promise<void>
  /** Most events per batch. */
  batchSize?: number
  /**
   * How long to let events gather, in milliseconds, after each batch once it has caught up. The first event after a quiet time does
   * not wait. For consumers that nobody waits for: handling one event costs nearly as much as handling a hundred.
   */
  restMs?: number
  /** Called with the owner of the consumer while this process stands by, once for each owner. */
  onStandby?(holder: Holder): void
  /** Called with every error that made it pause; following continues. */
  onError?(error: unknown): void
  /** Resolves when every call that was given up has returned. Awaited before ownership is sought. */
  settled?(): Promise<void>
}

/** Thrown by a handler whose checkpoint another process has moved. */
export class Fenced extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Fenced'
  }
}

/** Rejects a call that takes too long while another process can take over. Ownership is given up at once. */
export class HandedOver extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'HandedOver'
  }
}

/** Thrown by a handler that meets an event of newer code: this process leaves the consumer to a process of that code. */
export class NewerCode extends HandedOver {
  /** @param why which event cannot be read, and why not */
  constructor(consumer: string, why: string) {
    super(`${why}. Newer code knows it, so this process leaves ${consumer} to newer code`)
    this.name = 'NewerCode'
  }
}

export interface Following {
  /** Finishes the present batch, gives up ownership, then resolves. */
  stop(): Promise<void>
}

/** The reading half of the log, which differs between the embedded log and Kafka. */
export interface Reader {
  /** A bounded read, for replays and for people; involves no consumer. Events come in position order. */
  read(query: ReadQuery): Promise<Recorded[]>
  /**
   * Fails when events are gone from the middle of the log. A replay asks once, before its first `history`. Absent where `history` finds
   * that out itself.
   */
  assertNoGaps?(): Promise<void>
  /**
   * Reads the history of partitions, for replays: only what folds use, in order within each partition.
   * @throws every error of `take`
   */
  history(query: HistoryQuery, take: TakeHistory): Promise<void>
  /**
   * Reads the same events stream after stream, each in version order. Absent where the log has no such order.
   * @returns false when that would cost much more than `history`; then nothing was read
   * @throws every error of `take`
   */
  historyByStream?(query: HistoryQuery, take: TakeHistory): Promise<boolean>
  /** The position of the last event of each partition; partitions without events are absent. */
  heads(topic: Topic): Promise<Positions>
  /** How many events come after these positions, per partition; only partitions that have some. */
  behind(topic: Topic, after: Positions): Promise<Behind[]>
  /**
   * The same for several consumers, for monitoring. Returns, for each element of `places` in order, one row per partition. The cost
   * does not grow with the number of events. A partition that cannot be read gets a `problem`; the other rows are still right.
   */
  lags(places: readonly Standpoint[]): Promise<PartitionBehind[][]>
  /**
   * The Kafka offsets of events, by position, for people. Events that are not in Kafka yet, or would take too long to find, are
   * absent. Only where the log is on Kafka.
   */
  offsets?(places: readonly Place[]): Promise<Map<number, number>>
  follow(follower: Follower): Following
  close(): Promise<void>
}
