import type { Judgement, OwnerStanding, PartitionStanding } from '#platform/log/consumers/state.ts'
import type { Breaker } from '#platform/ytdlp/breaker.ts'

/** One part of a look. A part that could not be read says why; the others are still shown. */
export type Cell<T> = { value: T; problem?: undefined } | { value?: undefined; problem: string }

/** A consumer of one topic. A view is a consumer by its name. */
export interface ConsumerLook extends Judgement {
  consumer: string
  topic: string
  kind: 'view' | 'reactor' | 'bridge' | 'relay'
  /** The service that runs it. */
  service: string
  /** The settings leave it out, so it does not run here; `why` gives the reason. */
  isLeftOut: boolean
  partitions: readonly PartitionStanding[]
  parked: { streams: number; events: number; oldestAt: number | null }
  owner: OwnerStanding | null
  /** Number of events behind in each sample of the last minute, oldest first; null where unknown. */
  history: readonly (number | null)[]
}

export interface QueueLook {
  queue: string
  visible: number
  inFlight: number
  delayed: number
  oldestSeconds: number | null
  /** Dead letters. */
  dead: number
  problem?: string
}

export interface ReplayLook {
  id: string
  act: string
  view: string
  phase: string
  events: number
  total: number
  rate: number
  etaSeconds: number | null
  /** Share of the time that it works. */
  pace: number
  startedAt: number
  beatAt: number
}

/** The state shown on the first screen, at one moment. The ops page, the command line and the metrics use the same. */
export interface Look {
  /** Milliseconds since the epoch, by the database's clock. */
  at: number
  /** For example `2 of 14 consumers need you` or `all is well, 0 behind`. */
  verdict: string
  isWell: boolean
  log: 'embedded' | 'kafka'
  /** Position of the last event; null when it cannot be read. */
  head: number | null
  /** Worst first. */
  consumers: Cell<ConsumerLook[]>
  queues: Cell<QueueLook[]>
  breaker: Cell<Breaker>
  /** Helpers' tasks: how many wait, are in progress, and have failed for good. */
  tasks: Cell<{ status: string; tasks: number; oldestAt: number | null }[]>
  /** Requests to models, by kind and status. */
  requests: Cell<{ kind: string; status: string; requests: number; since: number }[]>
  replays: Cell<ReplayLook[]>
}
