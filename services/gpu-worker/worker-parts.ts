import type { Settings } from '#platform/config/settings.ts'
import type { ObjectStore } from '#platform/objects/open.ts'
import type { Queues } from '#platform/sqs/queues.ts'
import { backoffMs } from '#platform/stopping.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { againSeconds } from './ending.ts'
import type { Sound, Transcriber, Tutor } from './ports.ts'

export interface WorkerParts {
  settings: Settings
  log: Logger
  metrics: Metrics
  queues: Queues
  objects: ObjectStore
  transcriber: Transcriber
  tutor: Tutor
  sound: Sound
  times?: Partial<Times>
}

export interface Times {
  /** For how long the API or the store may be away before a message is given back. */
  patienceMs: number
  /** Between two words to the API on how far a job has come. */
  progressMs: number
  /** Until a job comes again, by how often its message was received. */
  againSeconds(receives: number): number
  /** Until the worker goes on when something was not as it must be, by how often in a row. */
  restMs(times: number): number
}

export const usualTimes: Times = {
  patienceMs: 300_000,
  progressMs: 10_000,
  againSeconds,
  restMs: (times) => backoffMs(times, { firstMs: 20_000, longestMs: 600_000 }),
}

/** The end of a worker: told to stop, it breaks off what it does, and what was made may still be told of for a while. */
export interface Stop {
  told: AbortSignal
  finishing: AbortSignal
}
