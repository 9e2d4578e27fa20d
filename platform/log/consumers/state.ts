/** The states of a consumer, the worst first. The ops page, the command line and Prometheus use these words. */
export const STATES = [
  'GONE',
  'STUCK',
  'PAUSED',
  'REWOUND',
  'PARKED',
  'FALLING_BEHIND',
  'UNKNOWN',
  'REBUILDING',
  'CATCHING_UP',
  'OK',
] as const
export type State = (typeof STATES)[number]

/** States in which a person has to act. */
export const NEEDS_YOU: ReadonlySet<State> = new Set(['GONE', 'STUCK', 'REWOUND', 'PARKED', 'PAUSED', 'FALLING_BEHIND'])

/** Where a consumer stands in one partition, all read at one moment. Times are in milliseconds since the epoch. */
export interface PartitionStanding {
  partition: number
  /** The last position applied. */
  pos: number
  /** The last position that the partition has; 0 when it is empty. */
  head: number
  /** Events not yet applied; undefined when they could not be counted, `problem` says why. */
  events?: number | undefined
  /** When the oldest of them was appended; null when there is none. */
  oldestAt?: number | null | undefined
  /** When the checkpoint moved last; null when it never did. */
  movedAt: number | null
  /** Parked events of this partition: they failed, or wait behind one that did. */
  parked?: number | undefined
  /** Events that the partition had up to its head, since its beginning; undefined when not known. */
  total?: number | undefined
  /** Lower bound of the events that the log lost before this consumer applied them. */
  lost?: number | undefined
  problem?: string | undefined
}

/** The process that owns a consumer. */
export interface OwnerStanding {
  id: string
  service: string
  host: string
  pid: number
  beatAt: number
  /** False when its process is gone. */
  isAlive: boolean
  /** Why the consumer is paused, as the process reports it, if it is. */
  paused?: Pause | undefined
}

/** Why a consumer is paused. */
export interface Pause {
  cause: string
  /** When it began, in milliseconds since the epoch. */
  since: number
  /** It has resumed since and had nothing to do yet: the next event will show whether it can continue. */
  resumed?: boolean | undefined
  /** This process leaves the consumer to another version of the code, for as long as it runs beside that version. */
  isLeft?: boolean | undefined
}

/** What is known about a consumer of one topic at one moment. */
export interface Observation {
  /** Its name as a person types it, for example `notes`. */
  consumer: string
  topic: string
  kind: 'view' | 'reactor' | 'bridge' | 'relay'
  /** The service that is to run it. */
  service: string
  /** Why it does not run here, if it is not meant to. */
  leftOut?: string | undefined
  /** When it was read, by the database's clock. */
  at: number
  partitions: readonly PartitionStanding[]
  parked: { streams: number; events: number; oldestAt: number | null }
  /** Null when it never had an owner, or when its owner has stopped and removed its row. */
  owner: OwnerStanding | null
  isRebuilding: boolean
  /** Events of its topic that the relay has not published yet, so they cannot reach the consumer. */
  unreached?: { events: number; oldestAt: number } | undefined
  /** Why nothing of it could be read. */
  problem?: string | undefined
}

/** The verdict on a consumer. */
export interface Judgement {
  state: State
  /** What is wrong, in a sentence, with partition, seconds and owner where they matter. Empty when nothing is wrong. */
  why: string
  /** What a person does next: a command for the command line, if there is one. */
  next?: string | undefined
  /** The worst partition, if the verdict is about one. */
  partition?: number | undefined
  /** Totals; null when they are not known. */
  events: number | null
  seconds: number | null
  /** Change over the last minute: 1 further behind the head of the log, -1 nearer, 0 neither; null when it is too early to say. */
  trend: -1 | 0 | 1 | null
  /** Events per second that it applies; null when not known. */
  rate: number | null
  /** Seconds until it has caught up, by its slowest partition; null when it does not come nearer. */
  etaSeconds: number | null
}
