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
  /** How long the API or the store may be away before a message is returned. */
  patienceMs: number
  /** Interval of progress reports to the API. */
  progressMs: number
  /** Delay until a job comes again, given the number of its receives. */
  againSeconds(receives: number): number
  /** Pause of the worker after a failure not caused by the job, given the number of such failures in a row. */
  restMs(times: number): number
}

export const usualTimes: Times = {
  patienceMs: 300_000,
  progressMs: 10_000,
  againSeconds,
  restMs: (times) => backoffMs(times, { firstMs: 20_000, longestMs: 600_000 }),
}

/** Stop of a worker: at `told` it aborts its work; until `finishing` it may still report results. */
export interface Stop {
  told: AbortSignal
  finishing: AbortSignal
}
