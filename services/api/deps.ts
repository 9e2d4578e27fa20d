import type { Logger } from 'pino'
import type { TaskPolicy } from '#events/task.ts'
import type { AddressOf } from '#platform/http/client-address.ts'
import type { Counts } from '#platform/limits/counts.ts'
import type { Execute } from '#platform/log/executor.ts'
import type { Place } from '#platform/log/port.ts'
import type { Objects } from '#platform/objects/open.ts'
import type { Exclusively } from '#platform/pg/exclusively.ts'
import type { Db } from '#platform/pg/pool.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { Changes } from '#projections/engine/changes.ts'
import type { PartitionLag } from '#projections/engine/lag.ts'
import type { ReadCredential } from './auth/google.ts'
import type { NameGuest } from './auth/guests.ts'
import type { Tokens } from './auth/tokens.ts'
import type { FindByTitle } from './by-title.ts'
import type { Limits, Rules } from './limits.ts'
import type { Readiness, ReadinessOptions } from './readiness.ts'
import type { MediaOptions } from './study.ts'
import type { TaskDesk } from './task-desk.ts'
import type { Wiz, WizOptions } from './wiz/wiz.ts'

/** All that the API needs of the world. */
export interface Deps {
  execute: Execute
  /** Waits (bounded) until these views show what lies at these places; false when it gave up. */
  visible(views: readonly string[], places: readonly Place[]): Promise<boolean>
  /** Whether they are known to show it already. */
  shows(views: readonly string[], places: readonly Place[]): boolean
  db: Db
  /** For what must be looked at, done elsewhere and recorded without anybody between. */
  exclusively: Exclusively
  /** What changes in the views. */
  changes: Changes
  log: Logger
  /** Signs user and long-term tokens. */
  secretKey: string
  /** What workers show who they are with. */
  adminToken: string
  /** Where transcripts lie. */
  objects: Objects
  /** How patient we are with workers; as usual if not given. */
  taskPolicy?: TaskPolicy
  /** Undefined: nobody signs in with Google here. */
  readGoogleCredential?: ReadCredential | undefined
  /** Undefined: nobody searches YouTube here. */
  findByTitle?: FindByTitle | undefined
  /** Whether who opens an account gets notes by AI without asking for them. */
  aiNotesAtSignUp?: boolean
  /** How long a user's token lasts. */
  jwtExpiryHours: number
  /** How often a client may ask; as often as it likes, if not given. */
  limits?: { rules: Rules; counts: Counts } | undefined
  /** Where a request comes from; the other end of its connection, if not given. */
  addressOf?: AddressOf | undefined
  /** Most bytes of a request's body; 16 MB if not given. */
  bodyLimitBytes?: number
  /** How long viewers of a video wait. */
  readiness?: ReadinessOptions
  /** Who answers in chat, and how much. */
  wiz?: WizOptions
  /** How much media workers do for users; as usual if not given. */
  media?: MediaOptions
  /** How far the views are behind, for the figures that we show. */
  lag?: () => Promise<PartitionLag[]>
  /** Where the figures go; some of its own, if not given. */
  metrics?: Metrics
  /** Serves the description of the API at /docs and /openapi.json. */
  describesItself?: boolean
  /** Checks every answer against the schema that its route declares; for tests. */
  checkAnswers?: boolean
}

/** The dependencies, and what is made from them once. */
export interface App extends Omit<Deps, 'taskPolicy' | 'readiness' | 'limits' | 'wiz' | 'media' | 'metrics'> {
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
