import type { Logger } from 'pino'
import type { TaskPolicy } from '#events/task.ts'
import type { AddressOf } from '#platform/http/client-address.ts'
import type { Counts } from '#platform/limits/counts.ts'
import type { Execute } from '#platform/log/commands/executor.ts'
import type { PartitionLag } from '#platform/log/consumers/lag.ts'
import type { Objects } from '#platform/objects/open.ts'
import type { Exclusively } from '#platform/pg/exclusively.ts'
import type { Db } from '#platform/pg/pool.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { Changes } from '#projections/engine/changes.ts'
import type { Waiter } from '#projections/engine/wait.ts'
import type { ReadCredential } from './auth/google.ts'
import type { NameGuest } from './auth/guests.ts'
import type { Tokens } from './auth/tokens.ts'
import type { FindByTitle } from './by-title.ts'
import type { Health } from './health.ts'
import type { Limits, Rules } from './limits.ts'
import type { Readiness, ReadinessOptions } from './readiness.ts'
import type { MediaOptions } from './study.ts'
import type { TaskDesk } from './task-desk.ts'
import type { Wiz, WizOptions } from './wiz/wiz.ts'

/** Everything that the API needs from outside. */
export interface Deps {
  execute: Execute
  /** Knows how far the views have come. */
  waiter: Omit<Waiter, 'close'>
  /** Positions in (head, floor] that were lost when the log was restored; none if not given. */
  lost?: readonly { head: number; floor: number }[]
  db: Db
  /** Runs a handler that reads, works outside the database and records, while no other process does so under the same name. */
  exclusively: Exclusively
  /** Tells of changes in the views. */
  changes: Changes
  log: Logger
  /** Signs user and long-term tokens. */
  secretKey: string
  /** Identifies workers. */
  adminToken: string
  /** Holds the transcripts. */
  objects: Objects
  /** Leases, attempts and pauses of workers' tasks; the usual policy if not given. */
  taskPolicy?: TaskPolicy
  /** Undefined: signing in with Google is off. */
  readGoogleCredential?: ReadCredential | undefined
  /** Undefined: searching YouTube is off. */
  findByTitle?: FindByTitle | undefined
  /** Whether new accounts have notes by AI switched on. */
  aiNotesAtSignUp?: boolean
  /** Lifetime of a user's token. */
  jwtExpiryHours: number
  /** How often a client may ask; unlimited if not given. */
  limits?: { rules: Rules; counts: Counts } | undefined
  /** Client address of a request; the peer of its connection if not given. */
  addressOf?: AddressOf | undefined
  /** Maximum bytes of any request's body; a route may allow less. 16 MiB if not given. */
  bodyLimitBytes?: number
  /** How long viewers of a video wait. */
  readiness?: ReadinessOptions
  /** The model that answers in chat, and the quotas. */
  wiz?: WizOptions
  /** Limits of media work; the usual ones if not given. */
  media?: MediaOptions
  /** Lag of the views, for the metrics. */
  lag?: () => Promise<PartitionLag[]>
  /** Where metrics are registered; a registry of its own if not given. */
  metrics?: Metrics
  /** Serves the description of the API at /docs and /openapi.json. */
  describesItself?: boolean
  /** Checks every answer against the schema that its route declares; for tests. */
  checkAnswers?: boolean
}

/** The dependencies, and the parts made from them once. */
export interface App extends Omit<Deps, 'taskPolicy' | 'readiness' | 'limits' | 'wiz' | 'media' | 'metrics'> {
  health: Health
  tokens: Tokens
  nameGuest: NameGuest
  readiness: Readiness
  limits: Limits
  taskPolicy: TaskPolicy
  taskDesk: TaskDesk
  wiz: Wiz
  media: MediaOptions
  metrics: Metrics
}
